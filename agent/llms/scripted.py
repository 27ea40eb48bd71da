"""A scripted language model: the double for tests, and a pattern for a door of one's own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from agent.llm import Finish, Reply, Request, Usage

Script = Callable[[Request], Reply | str]


class ScriptedLLM:
    """Answers by a function of the request, which may raise; counts four characters as a token."""

    def __init__(self, script: Script, name: str = "scripted/author") -> None:
        self._script = script
        self._lock = threading.Lock()
        self._asked: list[Request] = []
        self.name = name

    @property
    def asked(self) -> tuple[Request, ...]:
        """Every request so far, in order."""
        with self._lock:
            return tuple(self._asked)

    def complete(self, request: Request) -> Reply:
        with self._lock:
            self._asked.append(request)
        said = self._script(request)
        if isinstance(said, Reply):
            return said
        usage = Usage(input_tokens=tokens(request.text), output_tokens=tokens(said))
        return Reply(text=said, finish=Finish.finished, usage=usage, served=self.name)


def tokens(text: str) -> int:
    return -(-len(text) // 4)
