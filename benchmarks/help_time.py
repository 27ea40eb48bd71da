"""How long `ratchet --help` takes: the median of ten runs after one to warm up. Fails above LIMIT_SECONDS.

python benchmarks/help_time.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT_SECONDS = 0.3


def once() -> float:
    started = time.monotonic()
    subprocess.run([Path(sys.executable).parent / "ratchet", "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def main() -> int:
    once()
    took = statistics.median(once() for _ in range(10))
    print(f"ratchet --help: {took:.3f} s, median of ten (limit {LIMIT_SECONDS:g})")
    return 0 if took <= LIMIT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
