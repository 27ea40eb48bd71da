"""Admission: the jobs that no sandbox may run, and the environment that a job sees."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path, PurePosixPath

from sandboxes.job import WORK, Job, Mount, Runtime

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|^LD_|^GCONV_PATH$|^GLIBC_TUNABLES$", re.IGNORECASE)
_HIDDEN = ("/boot", "/dev", "/etc", "/proc", "/run", "/sys", "/var/lib/docker", "/var/run")
_HIDDEN_AT_HOME = (
    ".aws",
    ".azure",
    ".config",
    ".docker",
    ".gnupg",
    ".git-credentials",
    ".kube",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".ssh",
)
_TAKEN = ("/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/sbin", "/sys", "/tmp", "/usr")  # noqa: S108
_THREAD_CAPS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def admit(job: Job) -> None:
    """Refuse a job that must never run.

    Raises `ValueError` for a mount that hands out what a sandbox hides, for one that covers what the inside needs,
    and for a variable whose name is that of a secret or steers the dynamic loader.
    """
    for mount in job.mounts:
        _admit_source(mount)
        _admit_target(mount)
    for name in job.environment:
        if _SECRET_NAME.search(name):
            raise ValueError(f"A job may not be given {name}: its name is that of a secret or steers the loader.")
    if job.files is not None and not job.files.is_dir():
        raise ValueError(f"The job's files are to come from {job.files}, which is not a folder.")


def environment(job: Job, work: str = WORK) -> dict[str, str]:
    """Give all the variables that the job sees, its own last."""
    binaries = f"{Path(sys.executable).parent}:" if job.runtime is Runtime.python else ""
    threads = str(max(1, int(job.limits.cores)))
    return {
        "PATH": f"{binaries}/usr/bin:/bin",
        "HOME": work,
        "TMPDIR": "/tmp",  # noqa: S108
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        **dict.fromkeys(_THREAD_CAPS, threads),
        **job.environment,
    }


def command(job: Job) -> tuple[str, ...]:
    """Give the argument list, `python` spelled out as the interpreter that runs Ratchet."""
    if job.runtime is Runtime.python and job.argv[0] == "python":
        return (sys.executable, *job.argv[1:])
    return job.argv


def _admit_source(mount: Mount) -> None:
    source = mount.source.resolve()
    if not source.exists():
        raise ValueError(f"The job mounts {mount.source}, which does not exist.")
    if not stat.S_ISDIR(source.stat().st_mode) and not stat.S_ISREG(source.stat().st_mode):
        raise ValueError(f"The job mounts {mount.source}, which is neither a file nor a folder.")
    hidden = [Path(path).resolve() for path in _HIDDEN] + [Path.home() / name for name in _HIDDEN_AT_HOME]
    if any(_meets(source, path) for path in hidden) or _contains(source, Path.home()):
        raise ValueError(f"The job mounts {mount.source}, which holds what a sandbox hides: mount a smaller folder.")


def _admit_target(mount: Mount) -> None:
    target = PurePosixPath(mount.target)
    if ".." in target.parts or str(target) != mount.target:
        raise ValueError(f"The job mounts at {mount.target}: write it as a plain absolute path.")
    if mount.target in ("/", WORK) or any(target.is_relative_to(taken) for taken in _TAKEN):
        raise ValueError(f"The job mounts at {mount.target}, which the inside needs: choose a place of its own.")


def _meets(source: Path, hidden: Path) -> bool:
    return source.is_relative_to(hidden) or _contains(source, hidden)


def _contains(source: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(source)
