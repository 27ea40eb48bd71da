"""A check: one thing looked at before any work is done, and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterable

from sandboxes.record import Record


class Check(Record):
    """One thing looked at."""

    name: str
    ok: bool
    what: str
    remedy: str = ""
    """The command or setting that mends it; empty when it is fine."""


class PreflightError(RuntimeError):
    """Something needed is missing; the message lists each with its remedy."""


def refuse_lacking(why: str, checks: Iterable[Check]) -> None:
    """Raise `PreflightError` with every check that is not fine."""
    missing = [check for check in checks if not check.ok]
    if missing:
        faults = "\n".join(f"  {check.name}: {check.what}\n    {check.remedy}".rstrip() for check in missing)
        raise PreflightError(f"Nothing was started, because {why}:\n{faults}")
