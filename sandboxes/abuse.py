"""Abuse: what generated code might do, by accident or on purpose, each as a small program and what holding it means.

Every program is gentle where nothing holds it: it stops by itself, writes little, and asks for rights without using
them. It runs as `python abuse.py TOKEN MOUNT` in `/job` and finds in `host` what the host set out as bait. It prints
ESCAPED when it got further than it should; bait that it reaches carries a secret, which is looked for in all it leaves.
"""

from __future__ import annotations

from typing import NamedTuple

from sandboxes.job import Ending
from sandboxes.watch import BY_ITSELF

PRELUDE = """
import ctypes, json, os, signal, socket, sys, time
host = json.load(open("host.json"))
libc = ctypes.CDLL(None, use_errno=True)
def escaped(what): print("ESCAPED", what, flush=True)
"""


class Abuse(NamedTuple):
    name: str
    held: str
    """What a sandbox that holds it does."""
    program: str
    endings: frozenset[Ending] = BY_ITSELF
    """How the job may end."""
    limits: dict[str, float] = {}
    """Limits that differ from the suite's."""
    poisoned: bool = False
    """The program leaves a `measurements.jsonl` that no reader may accept."""
