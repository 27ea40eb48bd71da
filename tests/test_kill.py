from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("kill_driver.py")


ROUNDING = 1e-9
"""US dollars by which sums of floats may differ."""
STEP = 17
"""Of the points with a language model: prime to the six points of a call, so that each of those is met.

`kill_driver.py FOLDER 0 1 author` tries all of them.
"""


def drive(folder: Path, first: int, step: int, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(DRIVER), str(folder), str(first), str(step), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_campaign_killed_at_any_point_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """A whole study is killed before and after each entry of its ledger and at each step's report, and walked again."""
    drivers = [drive(tmp_path / str(first), first, 2) for first in (0, 1)]
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


@pytest.mark.slow
def test_a_language_models_study_killed_at_any_point_pays_no_recorded_answer_twice(tmp_path: Path) -> None:
    """Every seventeenth point: ledger entries, each call before and after, each step's report."""
    drivers = [drive(tmp_path / str(first), first, 2 * STEP, "author") for first in (0, STEP)]
    told = [driver.communicate(timeout=900) for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], told
    (whole, *even), (_, *odd) = ([json.loads(line) for line in out.splitlines()] for out, _ in told)
    walks = [*even, *odd]
    assert sorted(walk["at"] for walk in walks) == list(range(0, whole["points"], STEP))
    assert whole["calls"] > 20
    assert whole["usd"] > 0
    assert [walk["at"] for walk in walks if not walk["killed"]] == []
    assert [walk["at"] for walk in walks if not walk["resumed"]] == [], told
    assert [walk["at"] for walk in walks if not walk["same"] or not walk["same_calls"]] == []
    assert [walk for walk in walks if walk["calls_made_again"] or walk["trials_run_again"]] == []
    assert [walk for walk in walks if walk["usd_amiss"] > ROUNDING] == []
    assert [walk for walk in walks if walk["ended_twice"]] == []
