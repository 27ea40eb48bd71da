"""What this machine enforces, found out by trying."""

from __future__ import annotations

from sandboxes import conformance
from sandboxes.choose import choose
from sandboxes.job import SandboxUnavailableError
from sandboxes.record import Record

_TRIED = {
    "memory bomb in parts": "memory, summed over processes",
    "forks": "number of processes",
    "disk fill of /job": "size of /job",
    "endless output": "captured output",
    "daemon": "whole-tree kill",
    "TCP to the host": "no network",
    "environment of the host": "no view of other processes",
    "keys": "no view of the home",
    "writing outside /job": "read-only files",
    "kernel settings": "no kernel settings",
    "user namespaces": "no nested namespaces",
}


class Probe(Record):
    name: str
    ok: bool
    detail: str
    """What was seen; when not ok, what to do about it."""


def probe() -> tuple[Probe, ...]:
    """Start bubblewrap and try what matters most, in a few seconds."""
    try:
        sandbox = choose("bubblewrap")
    except SandboxUnavailableError as problem:
        return (Probe(name="bubblewrap", ok=False, detail=str(problem)),)
    findings = conformance.run(sandbox, frozenset(_TRIED))
    return (Probe(name="bubblewrap", ok=True, detail="starts"), *map(_probe, findings))


def _probe(finding: conformance.Finding) -> Probe:
    detail = "tried, and held" if finding.contained else f"{finding.seen}: run no generated code on this machine"
    return Probe(name=_TRIED[finding.name], ok=finding.contained, detail=detail)
