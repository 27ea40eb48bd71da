"""Abuse that claims rights: to write, to mount, to trace, to set the kernel."""

from __future__ import annotations

from sandboxes.abuse import Abuse
from sandboxes.job import Ending
from sandboxes.watch import BY_ITSELF

RIGHTS = (
    Abuse(
        "writing outside /job",
        "all else is read-only or absent",
        """
for folder in ("/", "/usr", "/usr/bin", "/etc", "/bin", "/lib", "/dev", "/proc", "/var", "/home", "/root", "/run",
               sys.prefix, sys.base_prefix, host["folder"]):
    path = os.path.join(folder, sys.argv[1])
    try:
        open(path, "w").close()
        os.unlink(path)
        escaped(folder)
    except OSError as refused:
        print(refused)
""",
    ),
    Abuse(
        "editing a mount",
        "mounts are read-only",
        """
path = sys.argv[2] + "/harness.py"
for change in (lambda: open(path, "a").write("tampered"), lambda: os.rename(path, path + "~"), lambda: os.unlink(path),
               lambda: os.chmod(path, 0o777)):
    try:
        change()
        escaped("the harness was changed")
    except OSError as refused:
        print(refused)
""",
    ),
    Abuse(
        "mount",
        "no file system can be mounted",
        """
os.mkdir("place")
if libc.mount(b"none", os.path.abspath("place").encode(), b"tmpfs", 0, None) == 0:
    escaped("mounted a tmpfs")
    libc.umount2(os.path.abspath("place").encode(), 2)
else:
    print(os.strerror(ctypes.get_errno()))
""",
    ),
    Abuse(
        "control groups",
        "their files are not there",
        """
for folder, _, names in os.walk("/sys/fs/cgroup"):
    for name in {"cgroup.procs", "memory.max", "memory.limit_in_bytes"} & set(names):
        if os.access(os.path.join(folder, name), os.W_OK):
            escaped(folder)
            sys.exit()
""",
    ),
    Abuse(
        "kernel settings",
        "none can be opened for writing",
        """
for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches",
             "/proc/sysrq-trigger", "/proc/sys/fs/binfmt_misc/register"):
    try:
        os.close(os.open(path, os.O_WRONLY))
        escaped(path)
    except OSError as refused:
        print(refused)
""",
    ),
    Abuse(
        "other processes",
        "none of the host's can be signalled or traced",
        """
pid = host["pid"]
try:
    os.kill(pid, 0)
    escaped("signalled")
except OSError as refused:
    print(refused)
if libc.ptrace(16, pid, None, None) == 0:
    escaped("traced")
    os.waitpid(pid, 0x40000000)
    libc.ptrace(17, pid, None, None)
""",
    ),
    Abuse(
        "tracing its own",
        "nothing is traced at all",
        """
if os.fork() == 0:
    if libc.ptrace(0, 0, None, None) == 0:
        escaped("traced")
    os._exit(0)
os.wait()
""",
    ),
    Abuse(
        "user namespaces",
        "no new one is made",
        """
if os.fork() == 0:
    if libc.unshare(0x10000000) == 0:
        escaped("unshare")
    os._exit(0)
os.wait()
clone = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
pid = libc.syscall(clone, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
if pid == 0:
    os._exit(0)
if pid > 0:
    escaped("clone")
libc.syscall(435, 0, 0)
if ctypes.get_errno() not in (1, 38):
    escaped("clone3")
""",
    ),
    Abuse(
        "rare system calls",
        "they are denied",
        """
calls = {"x86_64": {"keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "setns": 308},
         "aarch64": {"keyctl": 219, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "setns": 268}}
common = {"io_uring_setup": 425, "pidfd_getfd": 438, "open_tree": 428, "fsopen": 430}
for name, number in {**calls[os.uname().machine], **common}.items():
    ctypes.set_errno(0)
    if libc.syscall(number, -1, 0, 0, 0, 0) >= 0 or ctypes.get_errno() not in (1, 38):
        escaped(name)
""",
    ),
    Abuse(
        "killing process 1",
        "it changes nothing outside",
        """
for number in (signal.SIGTERM, signal.SIGKILL):
    try:
        os.kill(1, number)
    except OSError as refused:
        print(refused)
""",
        BY_ITSELF | {Ending.killed},
    ),
    Abuse(
        "forging its ending",
        "the channel to the host is out of reach",
        """
for pid in filter(str.isdigit, os.listdir("/proc")):
    for descriptor in range(8):
        path = f"/proc/{pid}/fd/{descriptor}"
        try:
            if os.readlink(path).startswith("socket"):
                os.write(os.open(path, os.O_WRONLY), b"0")
                escaped("wrote to the host's socket")
        except OSError as refused:
            print(refused)
""",
    ),
)
