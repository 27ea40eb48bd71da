"""Abuse: what generated code might do, by accident or on purpose, each as a small program and what holding it means.

Every program is gentle where nothing holds it: it stops by itself, writes little, and asks for rights without using
them. It runs as `python abuse.py TOKEN MOUNT` in `/work` and finds in `host` what the host set out as bait. It prints
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


def _fill(folder: str) -> str:
    return f"""
written = 0
try:
    with open("{folder}/fill", "wb", buffering=0) as file:
        while written < 100 << 20:
            written += file.write(bytes(1 << 20))
    escaped(f"wrote {{written}} bytes")
except OSError as full:
    print(full, "after", written)
finally:
    os.unlink("{folder}/fill")
"""


def _flood(descriptor: int) -> str:
    return f"""
for _ in range(1 << 8):
    os.write({descriptor}, b"x" * (1 << 16))
"""


def _socket(family: int, kind: int) -> str:
    return f"""
try:
    socket.socket({family}, {kind}, 0)
    escaped("a socket of family {family}")
except OSError as refused:
    print(refused)
"""


def _poison(text: str) -> str:
    return f"""
with open("out/measurements.jsonl", "w") as file:
    file.write({text})
"""


RESOURCES = (
    Abuse(
        "forks",
        "the process limit stops it",
        """
children = 0
try:
    while children < host["processes"] + 10:
        if os.fork() == 0:
            time.sleep(0.7)
            os._exit(0)
        children += 1
    escaped(f"{children} children")
except OSError as refused:
    print(refused, "after", children)
""",
    ),
    Abuse(
        "fork bomb",
        "it stays within the process limit and dies as one",
        """
end = time.time() + 0.5
while time.time() < end:
    try:
        os.fork()
    except OSError:
        time.sleep(0.01)
time.sleep(20)
""",
        frozenset({Ending.timed_out}),
        {"wall_seconds": 1.5},
    ),
    Abuse(
        "memory bomb",
        "the memory limit ends it",
        """
held = []
while len(held) < 64:
    held.append(b"x" * (8 << 20))
    time.sleep(0.004)
escaped("512 MiB")
""",
        frozenset({Ending.out_of_memory}),
    ),
    Abuse(
        "memory bomb in parts",
        "the limit is on the sum over processes",
        """
children = []
for _ in range(4):
    pid = os.fork()
    if pid == 0:
        held = b"x" * (100 << 20)
        time.sleep(1)
        os._exit(0)
    children.append(pid)
if all(os.waitpid(pid, 0)[1] == 0 for pid in children):
    escaped("400 MiB")
""",
        frozenset({Ending.out_of_memory}),
    ),
    Abuse(
        "memory of no process",
        "memory files are counted or denied",
        """
try:
    file = os.memfd_create("hidden")
    for _ in range(400):
        os.write(file, b"x" * (1 << 20))
    escaped("400 MiB")
except OSError as refused:
    print(refused)
""",
        BY_ITSELF | {Ending.out_of_memory},
    ),
    Abuse("disk fill of /work", "it is full at its size", _fill(".")),
    Abuse("disk fill of /tmp", "it is full at its size", _fill("/tmp")),  # noqa: S108
    Abuse("disk fill of /dev/shm", "it is full at its size", _fill("/dev/shm")),  # noqa: S108
    Abuse("endless output", "the cap ends it", _flood(1), frozenset({Ending.too_much_output})),
    Abuse("endless errors", "the cap ends it", _flood(2), frozenset({Ending.too_much_output})),
    Abuse(
        "daemon",
        "it dies with the job",
        """
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(30)
        os._exit(0)
    os.wait()
""",
    ),
    Abuse(
        "deaf to signals",
        "the wall clock ends it",
        """
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
time.sleep(20)
""",
        frozenset({Ending.timed_out}),
        {"wall_seconds": 0.7},
    ),
    Abuse(
        "stopped",
        "the wall clock ends it",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        frozenset({Ending.timed_out}),
        {"wall_seconds": 0.7},
    ),
    Abuse(
        "busy in parts",
        "the CPU limit is on the sum over processes",
        """
children = []
for _ in range(8):
    pid = os.fork()
    if pid == 0:
        while time.process_time() < 0.4:
            pass
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
escaped("3.2 CPU seconds")
""",
        frozenset({Ending.timed_out}),
        {"cpu_seconds": 1.0, "wall_seconds": 20.0},
    ),
    Abuse(
        "raised limits",
        "hard limits stay",
        """
import resource
for name in ("RLIMIT_CORE", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_DATA"):
    number = getattr(resource, name)
    hard = resource.getrlimit(number)[1]
    if hard == resource.RLIM_INFINITY:
        continue
    try:
        resource.setrlimit(number, (hard + 1, hard + 1))
        escaped(name)
    except (OSError, ValueError) as refused:
        print(refused)
""",
    ),
)

SECRETS = (
    Abuse(
        "environment of the host",
        "no other process is seen",
        """
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        print(open(f"/proc/{pid}/environ", "rb").read())
    except OSError as refused:
        print(refused)
""",
    ),
    Abuse(
        "keys",
        "neither the home nor its keys are there",
        """
for path in host["keys"]:
    try:
        print(open(path).read())
    except OSError as refused:
        print(refused)
for name in (".ssh", ".aws", ".netrc", ".bashrc", ".profile", ".config", ".gitconfig"):
    if os.path.lexists(os.path.join(host["home"], name)):
        escaped(name)
for path in ("/etc/shadow", "/etc/passwd", "/etc/machine-id", "/etc/ssh", "/var/log", "/root/.bashrc"):
    if os.path.lexists(path):
        escaped(path)
""",
    ),
    Abuse(
        "sockets of engines",
        "no socket file of the host is there",
        """
for path in (host["socket"], "/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock",
             "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket"):
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            print(client.recv(99))
            escaped(path)
    except OSError as refused:
        print(refused)
""",
    ),
    Abuse(
        "TCP to the host",
        "the network is a lone loopback",
        """
try:
    with socket.create_connection(("127.0.0.1", host["tcp"]), 1) as client:
        print(client.recv(99))
except OSError as refused:
    print(refused)
""",
    ),
    Abuse(
        "UDP to the host",
        "the network is a lone loopback",
        """
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(0.5)
    try:
        client.sendto(b"?", ("127.0.0.1", host["udp"]))
        print(client.recv(99))
    except OSError as refused:
        print(refused)
""",
    ),
    Abuse(
        "abstract socket of the host",
        "abstract names belong to the network namespace",
        """
try:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\\0" + host["abstract"])
        print(client.recv(99))
except OSError as refused:
    print(refused)
""",
    ),
    Abuse("AF_VSOCK", "no socket to the hypervisor", _socket(40, 1)),
    Abuse("AF_NETLINK", "no socket to the kernel", _socket(16, 3)),
    Abuse("AF_PACKET", "no raw frames", _socket(17, 3)),
    Abuse("AF_ALG", "no socket to the kernel's ciphers", _socket(38, 5)),
    Abuse("raw socket", "no raw packets", _socket(2, 3)),
)

RIGHTS = (
    Abuse(
        "writing outside /work",
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

RESULTS = (
    Abuse(
        "planted links",
        "nothing is followed",
        """
os.symlink(host["keys"][0], "out/measurements.jsonl")
os.symlink(host["folder"], "out/folder")
os.symlink("/proc/self/environ", "out/environ")
""",
    ),
    Abuse(
        "swapped result folder",
        "nothing is followed",
        """
os.rename("out", "gone")
os.symlink(host["folder"], "out")
""",
    ),
    Abuse(
        "planted hard link",
        "a file with two names is refused",
        """
open("out/one", "w").close()
os.link("out/one", "out/two")
try:
    os.link(host["keys"][0], "out/key")
except OSError as refused:
    print(refused)
""",
    ),
    Abuse("planted pipe", "the host does not wait on it", 'os.mkfifo("out/measurements.jsonl")'),
    Abuse("planted socket", "it is refused", 'socket.socket(socket.AF_UNIX).bind("out/measurements.jsonl")'),
    Abuse("sparse giant", "it is refused by its stated size", 'os.truncate(os.open("out/giant", 65), 10 << 30)'),
    Abuse(
        "two gigabytes",
        "the folder is full before",
        """
try:
    with open("out/giant", "wb", buffering=0) as file:
        for _ in range(2048):
            file.write(bytes(1 << 20))
    escaped("2 GiB")
except OSError as full:
    print(full)
""",
    ),
    Abuse(
        "strange names",
        "they are refused",
        """
for name in (b"-rf", b"a\\nb", b"\\xff\\xfe", b".hidden", b"$(id)", b"x" * 200, "\\u202etxt".encode()):
    open(b"out/" + name, "w").close()
""",
    ),
    Abuse(
        "deep folders",
        "depth is bounded",
        """
os.chdir("out")
for _ in range(400):
    os.mkdir("d")
    os.chdir("d")
open("bottom", "w").close()
""",
    ),
    Abuse("deep JSON", "the reader refuses it", _poison('"[" * 200_000'), poisoned=True),
    Abuse("JSON with NaN", "the reader refuses it", _poison("'{\"score\": NaN}'"), poisoned=True),
    Abuse("JSON beyond all floats", "the reader refuses it", _poison("'{\"score\": 1e999}'"), poisoned=True),
    Abuse("JSON with a huge integer", "the reader refuses it", _poison('"1" * 5_000'), poisoned=True),
)

ABUSES = (*RESOURCES, *SECRETS, *RIGHTS, *RESULTS)
