from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("kill_driver.py")


@pytest.mark.slow
def test_a_campaign_killed_at_any_point_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """Two studies, killed before and after each entry of the ledger and at each step's report, then walked again."""
    out = subprocess.run(
        [sys.executable, str(DRIVER), str(tmp_path)], capture_output=True, text=True, check=False, timeout=900
    )
    assert out.returncode == 0, out.stderr
    whole, *walks = map(json.loads, out.stdout.splitlines())
    assert len(walks) == whole["points"] > 100
    assert whole["accepted"] > 20
    assert [walk["at"] for walk in walks if not walk["killed"]] == []
    assert [walk["at"] for walk in walks if not walk["resumed"]] == [], out.stderr
    assert [walk["at"] for walk in walks if not walk["same"]] == []
    assert [walk for walk in walks if walk["trials_run_again"]] == []
    assert [walk for walk in walks if walk["ended_twice"]] == []
