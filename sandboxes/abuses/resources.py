"""Abuse that takes more than its share: processes, memory, disk, output, time."""

from __future__ import annotations

from sandboxes.abuse import Abuse
from sandboxes.job import Ending
from sandboxes.watch import BY_ITSELF


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
    Abuse("disk fill of /job", "it is full at its size", _fill(".")),
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
