"""How a command ends: the exit codes, which error is which, and a stop that the user asks for."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from types import FrameType


class Exit(IntEnum):
    """Exit codes of `ratchet`."""

    ok = 0
    bug = 1
    usage = 2
    preflight = 3
    budget = 4
    locked = 5
    some_failed = 6
    """Finished, and at least one study has no paper, or there was nothing left to study."""
    resumable = 7
    """Stopped by the machine or a provider (disk full, sandbox gone, terminated, key revoked); `resume` goes on."""
    interrupted = 130


WRONG_PLACES = (PermissionError, NotADirectoryError)
"""A path that was given and cannot be read or written as what it should be."""


def code_of(error: BaseException) -> Exit | None:
    """Give the exit code of an error that a person can act on, None for a bug."""
    from agent.approval import ApprovalNeededError
    from agent.budget import BudgetReachedError
    from agent.campaign import CampaignError, CampaignLockedError
    from agent.check import PreflightError
    from agent.keys import KeysError
    from agent.ledger import DamagedJournalError
    from agent.llm import LLMError
    from agent.llms.doors import MissingExtraError
    from agent.researchers.evolution import ExhaustedError
    from agent.selection import SelectionError
    from papers.facts import EvidenceMismatchError
    from sandboxes.job import SandboxUnavailableError
    from sandboxes.record import DamagedRecordError
    from templates.catalogue import UnknownTemplateError
    from templates.check import BaselineError
    from templates.scaffold import ScaffoldError
    from templates.template import TemplateError

    unusable = (
        CampaignError,
        TemplateError,
        UnknownTemplateError,
        DamagedJournalError,
        DamagedRecordError,
        EvidenceMismatchError,
    )
    codes: tuple[tuple[tuple[type[BaseException], ...], Exit], ...] = (
        ((*unusable, SelectionError, ScaffoldError, *WRONG_PLACES), Exit.usage),
        ((PreflightError, KeysError, MissingExtraError), Exit.preflight),
        ((BudgetReachedError,), Exit.budget),
        ((CampaignLockedError,), Exit.locked),
        ((ExhaustedError, BaselineError), Exit.some_failed),
        ((ApprovalNeededError, SandboxUnavailableError, LLMError), Exit.resumable),
    )
    if no_room(error):
        return Exit.resumable
    return next((code for kinds, code in codes if isinstance(error, kinds)), None)


def no_room(error: BaseException) -> bool:
    """Say whether `error` means that the disk takes nothing more."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def message(error: BaseException, argument: str = "") -> str:
    """Say what happened and what to do next; `argument` names the campaign on a command line, where there is one."""
    from agent.llm import LLMError, PausedError

    resume = f"ratchet resume {argument}".rstrip()
    if no_room(error):
        return (
            f"There is no space left to write to ({error}). Everything finished is kept: free some space, then "
            f"go on with '{resume}'."
        )
    if isinstance(error, WRONG_PLACES):
        return f"{error.filename} cannot be used ({error.strerror}). Mend its rights, or name another place."
    if isinstance(error, LLMError) and not isinstance(error, PausedError):
        return (
            f"{error}\nEverything finished is kept. When that is mended, go on with '{resume}'; or let another "
            f"language model answer what is not answered yet: '{resume} --llm PROVIDER/MODEL'."
        )
    return str(error)


def shown(text: str) -> str:
    """Make a text fit to be printed: no key is in it, and nothing that a terminal would obey."""
    from agent.keys import redactor

    return printable(redactor(os.environ)(text), "\n\t").rstrip()


def printable(text: str, kept: str = "") -> str:
    """Put a space for each character that a terminal would obey, but for those in `kept`."""
    return "".join(each if each.isprintable() or each in kept else " " for each in text)


class Stopping:
    """Whether, and by which signal, the user asked to stop."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.code = Exit.interrupted

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.code = Exit.resumable if number == signal.SIGTERM else Exit.interrupted
        if self.event.is_set():
            # Trials that run would be waited for. They die with this process, and nothing finished is lost.
            say("\x1b[?25h" if sys.stderr.isatty() else "")
            os._exit(self.code)
        self.event.set()
        say("\nStopping once the running trials end. Press Ctrl-C again to stop at once.\n")


def say(text: str) -> None:
    """Write to standard error from a signal's handler, where a print could meet itself half done."""
    with suppress(OSError):
        os.write(2, text.encode())


@contextmanager
def stopping() -> Iterator[Stopping]:
    """Turn the first Ctrl-C, or a SIGTERM, into a request to stop; a second one stops at once."""
    stop = Stopping()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
