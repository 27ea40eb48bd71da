from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("kill_driver.py")


@pytest.mark.slow
def test_a_campaign_killed_at_any_point_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """A whole study is killed before and after each entry of its ledger and at each step's report, and walked again."""
    drivers = [
        subprocess.Popen(
            [sys.executable, str(DRIVER), str(tmp_path / str(first)), str(first), "2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for first in (0, 1)
    ]
    told = [driver.communicate(timeout=900) for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], told
    (whole, *even), (_, *odd) = ([json.loads(line) for line in out.splitlines()] for out, _ in told)
    walks = [*even, *odd]
    assert sorted(walk["at"] for walk in walks) == list(range(whole["points"]))
    assert whole["points"] > 100
    assert "comparisons/larger-steps-along-a-line-without-initial.json" in " ".join(whole["accepted"])
    assert [walk["at"] for walk in walks if not walk["killed"]] == []
    assert [walk["at"] for walk in walks if not walk["resumed"]] == [], told
    assert [walk["at"] for walk in walks if not walk["same"]] == []
    assert [walk for walk in walks if walk["trials_run_again"]] == []
    assert [walk for walk in walks if walk["ended_twice"]] == []
