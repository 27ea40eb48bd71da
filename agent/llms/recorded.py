"""A cassette of calls: each answer is on disk before it is used, and is never asked for again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from agent.llm import LLM, NotRecordedError, Reply, Request
from sandboxes.record import Record, write_atomically


class RecordedCall(Record):
    """`calls/<key>.json`: what was asked of which language model, and what it answered."""

    llm: str
    request: Request
    reply: Reply


def recorded_names(calls: Path) -> tuple[str, ...]:
    """Name whose answers are on record, in alphabetical order; a damaged record says nothing."""
    found = set()
    for path in calls.glob("*.json"):
        with suppress(ValidationError):
            found.add(RecordedCall.model_validate_json(path.read_bytes()).llm)
    return tuple(sorted(found))


class Recorded:
    """Answers from the record, and has the language model asked only for what is not there.

    Two requests that ask the same of the same language model are one call. Refused, empty and cut-off answers are
    answers: they were paid, and are kept.
    """

    def __init__(self, llm: LLM, calls: Path, *, offline: bool = False, redact: Callable[[str], str] = str) -> None:
        """Keep the calls in the folder `calls`; `redact` takes keys out of what is written, and leaves JSON JSON.

        Offline, whatever is not on record is refused.
        """
        self._llm = llm
        self._calls = calls
        self._offline = offline
        self._redact = redact

    @property
    def name(self) -> str:
        return self._llm.name

    def key(self, request: Request) -> str:
        """Name the call."""
        return hashlib.sha256(f"{self.name}\n{request.digest}".encode()).hexdigest()[:32]

    def holds(self, request: Request) -> bool:
        return self.recall(request) is not None

    def recall(self, request: Request) -> Reply | None:
        """Give the recorded answer; a record that cannot be read is set aside, under a name that says so."""
        path = self._path(request)
        try:
            return RecordedCall.model_validate_json(path.read_bytes()).reply
        except FileNotFoundError:
            return None
        except ValidationError:
            if not self._offline:
                path.replace(path.with_suffix(".json.damaged"))
            return None

    def complete(self, request: Request) -> Reply:
        """Answer from the record, or ask and record.

        Raises `NotRecordedError` offline, and what the language model raises; a failure is not recorded.
        """
        return self.recall(request) or self.ask(request)

    def ask(self, request: Request) -> Reply:
        """Have the language model asked, whatever is on record; the reply given is the one that was written."""
        if self._offline:
            raise NotRecordedError(self._missing(request))
        call = RecordedCall(llm=self.name, request=request, reply=self._llm.complete(request))
        written = self._redact(call.model_dump_json(indent=1))
        self._calls.mkdir(exist_ok=True)
        write_atomically(self._path(request), written + "\n")
        return RecordedCall.model_validate_json(written).reply

    def _path(self, request: Request) -> Path:
        return self._calls / f"{self.key(request)}.json"

    def _missing(self, request: Request) -> str:
        path = self._path(request)
        why = "its record is damaged" if path.exists() else "it is not on record"
        return (
            f"Offline, {self.name} is asked nothing, and {why}: '{request.purpose}', request {request.digest}, belongs "
            f"in {path}. Put back that file, or have it asked anew by going on online."
        )
