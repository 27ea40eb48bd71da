"""Progress: what a person or a program sees while a campaign runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, Self, TextIO

from agent.endings import printable
from agent.keys import redactor
from agent.state import Step

Redact = Callable[[str], str]
"""Takes the keys out of a text."""


class Screen(Protocol):
    """Where the progress of a campaign goes."""

    def step(self, step: Step) -> None:
        """Show one step, or how far it is."""
        ...

    def event(self, name: str, **facts: object) -> None:
        """Tell a program about the whole run; a person sees the summary instead."""
        ...


class Lines:
    """One plain line for each step: for a log, a pipe, CI."""

    def __init__(self, out: TextIO, redact: Redact = str) -> None:
        self._out = out
        self._redact = redact

    def step(self, step: Step) -> None:
        if step.text and step.done in (0.0, 1.0):
            text = printable(self._redact(step.text))
            print(f"[{step.study:03d}] {step.name:<22} {text}", file=self._out, flush=True)

    def event(self, name: str, **facts: object) -> None:
        """Leave this to the summary."""


class JsonLines:
    """One JSON object for each step and event; nothing else goes to standard output."""

    def __init__(self, out: TextIO, redact: Redact = str) -> None:
        self._out = out
        self._redact = redact

    def step(self, step: Step) -> None:
        self.event("step", study=step.study, step=step.name, text=step.text, done=round(step.done, 4))

    def event(self, name: str, **facts: object) -> None:
        print(self._redact(json.dumps({"event": name, **facts})), file=self._out, flush=True)


class Terminal:
    """Lines that stay for what is done, and a bar for what is under way."""

    def __init__(self, redact: Redact = str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._redact = redact
        self._console = Console()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self, step: Step) -> None:
        from rich.markup import escape

        text = escape(printable(self._redact(step.text)))
        if step.done < 1:
            total = 1.0 if step.text else None
            self._bar.update(self._task, description=f"{step.name} {text}", total=total, completed=step.done)
            return
        self._console.print(f"[dim]{step.study:03d}[/] [bold]{step.name:<22}[/] {text}", highlight=False)
        self._bar.update(self._task, description="", total=None)

    def event(self, name: str, **facts: object) -> None:
        """Leave this to the summary."""


@contextmanager
def screen(*, as_json: bool) -> Iterator[Screen]:
    """Choose by where the output goes: JSON lines when asked, a live display on a terminal, else plain lines."""
    redact = redactor(os.environ)
    if as_json:
        yield JsonLines(sys.stdout, redact)
    elif sys.stdout.isatty():
        with Terminal(redact) as terminal:
            yield terminal
    else:
        yield Lines(sys.stdout, redact)
