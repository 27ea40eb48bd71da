from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.ledger import Ledger


def test_lines_that_need_not_be_durable_and_those_that_must_are_all_written_in_order(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    added: list[str] = []

    def write(index: int) -> None:
        text = f"{index}\n"
        ledger.commit(ledger.add(text, durable=index % 3 == 0))
        added.append(text)

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(write, range(1000)))
    assert sorted((tmp_path / "ledger.jsonl").read_text().splitlines(keepends=True)) == sorted(added)


def test_a_line_that_need_not_be_durable_is_written_at_once_where_nobody_else_writes(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.commit(ledger.add("first\n"))
    ledger.commit(ledger.add("second\n", durable=False))
    assert (tmp_path / "ledger.jsonl").read_text() == "first\nsecond\n"


def test_a_writer_that_is_interrupted_before_it_writes_holds_nobody_up_for_long(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add("interrupted\n")
    before = time.monotonic()
    ledger.commit(ledger.add("next\n"))
    assert time.monotonic() - before < 5
    assert (tmp_path / "ledger.jsonl").read_text() == "interrupted\nnext\n"


def test_everyone_with_a_durable_line_is_told_when_it_cannot_be_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "missing" / "ledger.jsonl")
    lines = [ledger.add(f"{index}\n") for index in range(3)]
    for line in lines:
        with pytest.raises(FileNotFoundError, match=r"ledger\.jsonl"):
            ledger.commit(line)
