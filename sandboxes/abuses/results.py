"""Abuse that waits for whoever collects and reads its results."""

from __future__ import annotations

from sandboxes.abuse import Abuse


def _poison(text: str) -> str:
    return f"""
with open("out/measurements.jsonl", "w") as file:
    file.write({text})
"""


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
