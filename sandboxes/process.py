"""Plain processes: what is left where no sandbox can be had, and somebody has accepted that."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sandboxes import admission
from sandboxes.collect import Collection
from sandboxes.job import OUT, WORK, Job, Level, Outcome
from sandboxes.tree import Tree
from sandboxes.watch import BY_ITSELF, Capture, Usage, Watched, await_death, ending, watch

_KEEPER = Path(__file__).with_name("keeper.py")


class Process:
    """Runs jobs as plain processes in a temporary folder, with the rights of whoever runs Ratchet.

    Held are wall time, CPU and memory (counted from outside, every 20 ms), the size of each file, the captured output,
    and the environment; daemons are killed with the job. Not protected are the host's files and keys, the network,
    other processes of the same user, disk space and the number of processes: a job that wants to can read, send, change
    and kill whatever its user can. Mounts are copies; `/job` and mount points do not exist, so they are replaced by
    the real places in the argument list and the environment, and a program finds its files by relative paths.
    """

    def __init__(self, *, allow_unsafe_host: bool = False) -> None:
        """Refuse to exist without consent; raises `ValueError` then."""
        if not allow_unsafe_host:
            raise ValueError(
                "Plain processes do not protect this machine from generated code: install bubblewrap, or say "
                "`--allow-unsafe-host` to accept that a job can read and change whatever you can."
            )

    @property
    def level(self) -> Level:
        return Level.process

    def run(self, job: Job) -> Outcome:
        admission.admit(job)
        job.logs.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="ratchet-", ignore_cleanup_errors=True) as name, ExitStack() as stack:
            inside = _Inside(job, Path(name))
            captures, process = _start(job, inside, stack)
            meter = Tree(process.pid, job.limits.memory_bytes)
            pidfd = os.pidfd_open(process.pid)
            stack.callback(os.close, pidfd)
            stack.callback(_end, pidfd)
            watched = watch(captures, pidfd, job.limits, meter, lambda: _kill(pidfd))
            return _outcome(watched, process, meter.read(), inside.collect())


class _Inside:
    """The real places of what a job knows by its names inside."""

    def __init__(self, job: Job, root: Path) -> None:
        self._job = job
        self.work = root / WORK.removeprefix("/")
        self._places = {WORK: self.work, **{m.target: root / f"mount{i}" for i, m in enumerate(job.mounts)}}
        if job.files is not None:
            shutil.copytree(job.files, self.work, symlinks=True)
        (root / OUT.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for mount in job.mounts:
            place, source = self._places[mount.target], mount.source.resolve()
            shutil.copytree(source, place, symlinks=True) if source.is_dir() else shutil.copyfile(source, place)
        known = sorted(map(re.escape, self._places), key=len, reverse=True)
        self._names = re.compile(rf"(?<![\w./-])(?:{'|'.join(known)})(?![\w.-])")

    def translate(self, text: str) -> str:
        """Replace the names inside by the real places."""
        return self._names.sub(lambda name: str(self._places[name.group()]), text)

    def collect(self) -> tuple[str, ...]:
        """Copy the results out, and give what was refused."""
        collection = Collection(self._job.limits.work_bytes)
        folder = os.open(self.work, os.O_RDONLY | os.O_DIRECTORY)
        try:
            collection.take(folder, "out", self._job.outputs)
        finally:
            os.close(folder)
        return tuple(collection.refused)


def _start(job: Job, inside: _Inside, stack: ExitStack) -> tuple[list[Capture], subprocess.Popen[bytes]]:
    environment = admission.environment(job, work=str(inside.work))
    process = stack.enter_context(
        subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", str(_KEEPER), str(job.limits.work_bytes)),
                *map(inside.translate, admission.command(job)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=inside.work,
            env={name: inside.translate(value) for name, value in environment.items()},
            start_new_session=True,
        )
    )
    captures = [
        stack.enter_context(Capture(pipe.fileno(), job.logs / name, job.limits.output_bytes))
        for pipe, name in ((process.stdout, "stdout.txt"), (process.stderr, "stderr.txt"))
        if pipe is not None
    ]
    return captures, process


def _kill(pidfd: int) -> None:
    """Have the keeper kill the tree, also when the job has stopped it.

    Not through `Popen`, which would reap a keeper that has just ended, and its use of resources with it.
    """
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        signal.pidfd_send_signal(pidfd, signal.SIGCONT)


def _end(pidfd: int) -> None:
    _kill(pidfd)
    await_death(pidfd)


def _outcome(watched: Watched, process: subprocess.Popen[bytes], usage: Usage, refused: tuple[str, ...]) -> Outcome:
    _, status, rusage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    exit_code = None if process.returncode < 0 else process.returncode
    how = ending(watched.excess, exit_code, usage)
    return Outcome(
        ending=how,
        exit_code=exit_code if how in BY_ITSELF else None,
        wall_seconds=watched.wall_seconds,
        cpu_seconds=max(usage.cpu_seconds, rusage.ru_utime + rusage.ru_stime),
        peak_memory_bytes=usage.memory_bytes,
        level=Level.process,
        backend="process, unsafe: host files, network and other processes are open to the job",
        refused=refused,
    )
