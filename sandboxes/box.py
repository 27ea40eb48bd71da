"""A box: a started sandbox in which nothing runs until the host says go.

The host and the box talk over one socket, the standard input of a shell inside that says it is ready, waits, runs the
job and says how it ended. Between *ready* and *go* no foreign code has run yet, and the host, which
learns the shell's pid from the kernel with the message, can limit and fill the box. A host that dies before *go* closes
the socket, and the shell leaves. Process 1 is the one to kill: the kernel takes the whole pid namespace with it before
anyone hears of its death.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sandboxes.job import SandboxUnavailableError
from sandboxes.remedy import remedy
from sandboxes.watch import await_death

STARTER = ("/bin/sh", "-c", 'echo ready >&0; read -r _ || exit 125; "$@" </dev/null; echo "$?" >&0', "sh")
"""Runs inside; the job's argument list follows."""

_START_SECONDS = 30.0
_CREDENTIALS = struct.Struct("3i")


class Box:
    """A sandbox that is ready to go."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, shell: int, stack: ExitStack) -> None:
        self.shell = shell
        """The shell's pid on the host."""
        self.first = _first_process(shell)
        """The host's pid of process 1 inside, on which all the others depend."""
        self.pidfd = os.pidfd_open(self.first)
        stack.callback(os.close, self.pidfd)
        stack.callback(self._end)
        self._process = process
        self._control = control
        self._stack = stack

    @property
    def output_pipes(self) -> tuple[int, int]:
        """Standard output and standard error, to read from."""
        assert self._process.stdout is not None  # noqa: S101 (for the type checker)
        assert self._process.stderr is not None  # noqa: S101 (as above)
        return self._process.stdout.fileno(), self._process.stderr.fileno()

    def open(self, path: str) -> int:
        """Open a folder of the inside, for as long as this block: it outlives the processes in the box."""
        descriptor = os.open(f"/proc/{self.shell}/root{path}", os.O_RDONLY | os.O_DIRECTORY)
        self._stack.callback(os.close, descriptor)
        return descriptor

    def go(self) -> None:
        """Let the job run."""
        self._control.sendall(b"go\n")

    def kill(self) -> None:
        """End every process inside."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def exit_code(self) -> int | None:
        """Read how the job ended by itself, once the box is dead; None when it was ended from outside."""
        said = self._control.recv(8).strip()
        return int(said) if said.isdigit() else None

    def reap(self) -> resource.struct_rusage:
        """Give what all processes of the dead box used that were waited for."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return usage

    def _end(self) -> None:
        """Kill the tree and wait for the end of its last process."""
        self.kill()
        await_death(self.pidfd)


@contextmanager
def started(arguments: Sequence[str], descriptors: tuple[int, ...]) -> Iterator[Box]:
    """Start `bwrap` with `STARTER` inside, handing it the `descriptors`; dead and reaped at the end of the block.

    Raises `SandboxUnavailableError` when the sandbox does not come up.
    """
    with ExitStack() as stack:
        control, theirs = (stack.enter_context(end) for end in socket.socketpair())
        control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        process = stack.enter_context(
            subprocess.Popen(
                arguments,
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=descriptors,
                env={},
                start_new_session=True,  # a Ctrl-C in the terminal is the caller's to handle
            )
        )
        stack.callback(process.kill)
        theirs.close()
        yield Box(process, control, _await_ready(process, control), stack)


def _first_process(shell: int) -> int:
    """Climb from the shell to process 1 inside: itself, or bubblewrap's own."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{shell}/status").read_text().splitlines())
    return shell if status["NSpid"].split()[-1] == "1" else int(status["PPid"])


def _await_ready(process: subprocess.Popen[bytes], control: socket.socket) -> int:
    """Wait for the shell inside; give its pid as the host sees it."""
    control.settimeout(_START_SECONDS)
    try:
        said, credentials, _, _ = control.recvmsg(64, socket.CMSG_SPACE(_CREDENTIALS.size))
    except TimeoutError:
        process.kill()
        said, credentials = b"", []
    if said != b"ready\n":
        process.wait()
        complaint = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
        raise SandboxUnavailableError(f"Bubblewrap could not start ({complaint or 'it said nothing'}). {remedy()}")
    pid, _, _ = _CREDENTIALS.unpack(credentials[0][2][: _CREDENTIALS.size])
    return int(pid)
