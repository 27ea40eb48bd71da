"""A keeper: runs one command and outlives every process it started, daemons included.

Run as a script, by its path: `keeper.py FILE_BYTES command…`. It adopts whatever its descendants leave behind, kills
all of it when the command has ended, or at SIGTERM, which it also gets when its parent dies, and exits as the command
did.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_BY_SIGNAL = 128
_NOT_FOUND = 127


def keep(file_bytes: int, command: list[str]) -> int:
    """Run the command to its end and kill what it leaves; give its exit code, 128 + n for signal n."""
    _adopt()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    handled = (signal.SIGPIPE, signal.SIGXFSZ)  # this interpreter ignores them, and would pass that on
    try:
        child = os.posix_spawnp(command[0], command, os.environ, setsid=True, setsigdef=handled)
    except OSError as problem:
        sys.stderr.write(f"{command[0]}: {problem.strerror}\n")
        return _NOT_FOUND
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    _kill_descendants()
    return code if code >= 0 else _BY_SIGNAL - code


def _adopt() -> None:
    """Become the parent of all orphans below, and end with all of them at SIGTERM."""
    process = ctypes.CDLL(None)
    process.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, _end)
    process.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(number: int, _: object) -> None:
    _kill_descendants()
    os._exit(_BY_SIGNAL + number)


def _kill_descendants() -> None:
    """Kill the children and wait for them, until their orphans have all come up and gone too."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while pids := children.read_text().split():
        for pid in pids:
            os.kill(int(pid), signal.SIGKILL)
        for pid in pids:
            with suppress(ChildProcessError):
                os.waitpid(int(pid), 0)


if __name__ == "__main__":
    sys.exit(keep(int(sys.argv[1]), sys.argv[2:]))
