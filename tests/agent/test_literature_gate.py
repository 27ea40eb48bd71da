from __future__ import annotations

import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from literature_server import Clock

from agent.literature.gate import LONGEST_PAUSE_SECONDS, Gate
from agent.literature.source import OutError


def gate(folder: Path, clock: Clock, interval: float = 3.0) -> Gate:
    return Gate("arxiv", folder, interval, clock, clock.sleep)


def test_requests_keep_their_distance_also_from_one_process_to_the_next(tmp_path: Path) -> None:
    clock = Clock()
    with gate(tmp_path, clock).turn():
        clock.now += 1
    with gate(tmp_path, clock).turn():
        pass
    assert clock.slept == [2.0]


def test_a_slow_request_needs_no_further_wait(tmp_path: Path) -> None:
    clock = Clock()
    with gate(tmp_path, clock).turn():
        clock.now += 10
    with gate(tmp_path, clock).turn():
        assert clock.slept == []


def test_a_short_pause_is_waited_for(tmp_path: Path) -> None:
    clock = Clock()
    first = gate(tmp_path, clock)
    with first.turn():
        first.pause(30, "it answered 429")
    with gate(tmp_path, clock).turn():
        assert clock.slept == [30.0]


def test_a_long_pause_puts_the_source_out_and_says_until_when(tmp_path: Path) -> None:
    clock = Clock(now=1_800_000_000.0)
    first = gate(tmp_path, clock)
    with first.turn():
        first.pause(3600, "it answered 429")
    with pytest.raises(OutError, match=r"arxiv is out until 2027-01-15 09:00 UTC: it answered 429"), first.turn():
        pass
    clock.now += 3600
    with first.turn():
        assert clock.slept == []


def test_no_pause_is_longer_than_a_day_whatever_is_asked(tmp_path: Path) -> None:
    clock = Clock()
    first = gate(tmp_path, clock)
    with first.turn():
        first.pause(1e12, "it answered 429")
    clock.now += LONGEST_PAUSE_SECONDS
    with first.turn():
        assert clock.slept == []


def test_a_clock_set_back_locks_nothing(tmp_path: Path) -> None:
    clock = Clock()
    first = gate(tmp_path, clock)
    with first.turn():
        first.pause(3600, "it answered 429")
    clock.now -= 10 * 365 * 86_400
    with first.turn():
        pass
    assert clock.slept == [3.0]


def test_a_damaged_memory_is_no_obstacle(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / "arxiv.json").write_bytes(b"\x00{not json")
    with gate(tmp_path, clock).turn():
        pass
    with gate(tmp_path, clock).turn():
        assert clock.slept == [3.0]


def test_a_source_may_ask_for_a_slower_pace_than_ours(tmp_path: Path) -> None:
    clock = Clock()
    first = gate(tmp_path, clock, interval=1.0)
    with first.turn():
        first.slow(5.0)
    with gate(tmp_path, clock, interval=1.0).turn():
        assert clock.slept == [5.0]


def test_two_threads_and_two_gates_let_one_request_through_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0
    counting = threading.Lock()

    def ask() -> None:
        nonlocal inside, most
        with Gate("arxiv", tmp_path, 0.0).turn():
            with counting:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with counting:
                inside -= 1

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_two_processes_share_one_pace(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from agent.literature.gate import Gate\n"
        "for _ in range(3):\n"
        "    with Gate('arxiv', pathlib.Path(sys.argv[1]), 0.3).turn(): print(time.time())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    times = sorted(float(line) for process in running for line in process.communicate(timeout=60)[0].split())
    assert len(times) == 6
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.25
