"""Sandboxes by bubblewrap: namespaces, no daemon, for root and for an ordinary user.

`/job` is a sized memory file system inside, opened from outside through `/proc/PID/root` before the start. The open
folder outlives the tree, so results are collected from a place where nothing moves any more, and nothing is ever
mounted on the host.

Root is dropped before the job starts, by `setpriv` inside and not by a user namespace: a process that is uid 0 outside
may write `/proc/sys/kernel/core_pattern` whatever it is called inside.
"""

from __future__ import annotations

import os
import resource
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress

from sandboxes import admission, interior, seccomp
from sandboxes.box import STARTER, Box, started
from sandboxes.cgroup import Group
from sandboxes.collect import Collection
from sandboxes.job import WORK, Job, Level, Limits, Outcome, SandboxUnavailableError
from sandboxes.pour import make_folder, pour
from sandboxes.tree import Tree
from sandboxes.watch import BY_ITSELF, Capture, Meter, ending, watch

_UNUSED_UIDS = range(61_184, 65_520)
"""Nobody's for good (systemd lends them to running services), and within the map of every container."""

_MOST_OPEN_FILES = 4096
_ISOLATION = ("--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv")


class Bubblewrap:
    """Runs jobs in namespaces of their own, read-only but for `/job`, without network, under a system-call filter.

    As root, memory, processes and CPU are limited by a control group, and the job has a uid of its own. Without a
    writable control group they are limited by rlimits and by counting the tree from outside: memory may overshoot
    between two counts, and kernel buffers (of sockets and pipes) are not counted. The kernel itself is shared, so a
    hole in it is a way out. Graphics cards are not handed in.
    """

    def __init__(self) -> None:
        """Find `bwrap`; raises `SandboxUnavailableError` when it is not installed."""
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxUnavailableError("Bubblewrap is not installed: run `sudo apt-get install bubblewrap`.")
        self._program = program

    @property
    def level(self) -> Level:
        return Level.namespace

    def run(self, job: Job) -> Outcome:
        admission.admit(job)
        with ExitStack() as stack:
            group = _group(job.limits, stack)
            box = self._box(job, stack, counted=group is not None)
            folders = tuple(map(box.open, (WORK, *interior.SCRATCH)))
            meter: Meter = group or Tree(box.first, job.limits.memory_bytes, folders)
            if group is not None:
                group.add(box.shell)
            return _run(job, box, meter, folders[0])

    def _box(self, job: Job, stack: ExitStack, *, counted: bool) -> Box:
        """Start a sandbox with the job's files in it and nothing running yet."""
        owner = secrets.choice(_UNUSED_UIDS) if os.geteuid() == 0 else None
        copies = interior.copies(job.mounts, stack) if owner is not None else {}
        filter_ = _memory_file(seccomp.program(only_processes_counted=not counted), stack)
        arguments = [
            *(self._program, *_ISOLATION, *_namespaces(owner), "--seccomp", str(filter_)),
            *_variables(job),
            *interior.arguments(job, copies),
            *("--chdir", WORK, "--", *_restraint(owner, job.limits, counted=counted)),
            *(*STARTER, *admission.command(job)),
        ]
        box = stack.enter_context(started(arguments, (filter_, *copies.values())))
        _fill(box, job, owner, copies)
        return box


def _run(job: Job, box: Box, meter: Meter, work: int) -> Outcome:
    """Run the job to its ending, and collect its results once all is dead."""
    job.logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        captures = [
            stack.enter_context(Capture(pipe, job.logs / name, job.limits.output_bytes))
            for pipe, name in zip(box.output_pipes, ("stdout.txt", "stderr.txt"), strict=True)
        ]
        box.go()
        watched = watch(captures, box.pidfd, job.limits, meter, box.kill)
    rusage, usage = box.reap(), meter.read()
    exit_code = box.exit_code()
    how = ending(watched.excess, exit_code, usage)
    collection = Collection(job.limits.work_bytes)
    collection.take(work, "out", job.outputs)
    return Outcome(
        ending=how,
        exit_code=exit_code if how in BY_ITSELF else None,
        wall_seconds=watched.wall_seconds,
        cpu_seconds=max(usage.cpu_seconds, rusage.ru_utime + rusage.ru_stime),
        peak_memory_bytes=usage.memory_bytes,
        level=Level.namespace,
        backend=f"bubblewrap, {meter.name}",
        refused=tuple(collection.refused),
    )


def _group(limits: Limits, stack: ExitStack) -> Group | None:
    """Make a control group where this process may."""
    try:
        return stack.enter_context(Group(limits))
    except OSError:
        return None


def _memory_file(content: bytes, stack: ExitStack) -> int:
    descriptor = os.memfd_create("filter")
    stack.callback(os.close, descriptor)
    os.pwrite(descriptor, content, 0)
    return descriptor


def _namespaces(owner: int | None) -> Iterator[str]:
    """Unshare all, and see to it that process 1 inside dies with its parent.

    `bwrap` outside, without capabilities, could not signal a shell of another user when it dies; so with root dropped
    process 1 is bubblewrap's own, and the shell is its child.
    """
    yield from ("--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-pid", "--unshare-cgroup-try")
    yield from ("--cap-drop", "ALL")
    if owner is None:
        yield from ("--unshare-user", "--disable-userns", "--as-pid-1")
    else:  # what `setpriv` needs to give them up
        yield from ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP")


def _variables(job: Job) -> Iterator[str]:
    for name, value in admission.environment(job).items():
        yield from ("--setenv", name, value)


def _restraint(owner: int | None, limits: Limits, *, counted: bool) -> Iterator[str]:
    """Drop root, and set what is limited per process."""
    if owner is not None:
        yield from ("setpriv", "--reuid", str(owner), "--regid", str(owner), "--clear-groups", "--no-new-privs")
        yield from ("--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all")
    files = min(_MOST_OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    yield from ("prlimit", "--core=0:0", f"--nofile={files}:{files}")
    if not counted:
        data = limits.memory_bytes * 3 // 2  # the count is to see the excess first
        yield from (f"--nproc={limits.processes + 1}:{limits.processes + 1}", f"--data={data}:{data}")


def _fill(box: Box, job: Job, owner: int | None, copies: interior.Copies) -> None:
    """Pour in the job's files, and the mounted folders that its user could not read in place."""
    for mount in copies:
        if mount.source.is_dir():
            pour(mount.source.resolve(), box.open(mount.target), None)
    work = box.open(WORK)
    try:
        if job.files is not None:
            pour(job.files, work, owner)
        with suppress(FileExistsError):
            make_folder("out", work, owner)
    except OSError as problem:
        raise ValueError(
            f"The files of {job.files} could not be put into the {job.limits.work_bytes} bytes of {WORK}: {problem}."
        ) from problem
