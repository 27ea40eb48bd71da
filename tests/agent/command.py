"""The command line as a person uses it: a process of its own, with nobody's keys and settings but those given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from llm_server import Answer, Asked, Scene

RATCHET = Path(sys.executable).parent / "ratchet"
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


def surroundings(home: Path, **more: str) -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {"HOME": str(home)} | more


def ratchet(*words: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [RATCHET, *words],
        cwd=cwd,
        env=surroundings(cwd, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def start(*words: str, cwd: Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(RATCHET), *words],
        cwd=cwd,
        env=surroundings(cwd, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def tried(asked: Asked) -> bool:
    """Say whether this is the call that tries a language model before any work."""
    return "Answer with the word: ready." in asked.last


def after_trial(answer: Answer) -> Callable[[Asked], Scene]:
    """Pass the trial, then answer so."""
    return lambda asked: Scene(text="ready") if tried(asked) else answer(asked)
