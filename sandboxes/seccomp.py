"""The system calls that no job needs, as a filter for the kernel."""

from __future__ import annotations

import errno
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

from sandboxes.job import SandboxUnavailableError

_DENIED = (
    *("mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"),
    *("mount_setattr", "open_by_handle_at", "name_to_handle_at", "quotactl", "swapon", "swapoff"),
    *("unshare", "setns", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise"),
    *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("keyctl", "add_key", "request_key", "init_module", "finit_module", "delete_module", "kexec_load"),
    *("kexec_file_load", "reboot", "syslog", "acct", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime"),
    *("sethostname", "setdomainname", "iopl", "ioperm", "vhangup", "nfsservctl", "lookup_dcookie", "fanotify_init"),
)
_UNCOUNTED = ("memfd_create", "memfd_secret", "shmget")
"""Memory that belongs to no process: denied where processes are all that is counted."""

_CLONE_NEWUSER = 0x10000000
_TIOCSTI = 0x5412
_TIOCLINUX = 0x541C
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10


@cache
def program(*, only_processes_counted: bool) -> bytes:
    """Compile the filter, as `bwrap --seccomp` reads it.

    A denied call fails with EPERM; `clone3`, whose flags a filter cannot see, with ENOSYS, so that the C library
    falls back to `clone`. Sockets are local, IPv4 or IPv6; the argument is compared in 64 bits, so that a family
    with garbage above the 32 that the kernel reads is denied too.

    Raises `SandboxUnavailableError` when libseccomp is missing.
    """
    try:
        import pyseccomp  # looks for a shared library
    except (ImportError, RuntimeError) as problem:
        raise SandboxUnavailableError(
            f"The system-call filter could not be loaded ({problem}): run `sudo apt-get install libseccomp2`."
        ) from problem
    denied = pyseccomp.ERRNO(errno.EPERM)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in (*_DENIED, *(_UNCOUNTED if only_processes_counted else ())):
        if pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) >= 0:
            rules.add_rule(denied, name)
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.add_rule(denied, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_NEWUSER, _CLONE_NEWUSER))
    for request in (_TIOCSTI, _TIOCLINUX):
        rules.add_rule(denied, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request))
    rules.add_rule(denied, "socket", pyseccomp.Arg(0, pyseccomp.GT, _AF_INET6))
    for family in range(_AF_INET6):
        if family not in (_AF_UNIX, _AF_INET):
            rules.add_rule(denied, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    with TemporaryFile() as file:
        rules.export_bpf(file)
        return os.pread(file.fileno(), Path(f"/proc/self/fd/{file.fileno()}").stat().st_size, 0)
