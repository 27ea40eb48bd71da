from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent import campaign, cli
from agent.budget import Budget
from agent.campaign import Brief, CampaignError, CampaignLockedError


def brief(**fields: object) -> Brief:
    return Brief.model_validate({"name": "demo", "templates": ("toy",), **fields})


def test_the_command_line_looks_where_campaigns_are_kept() -> None:
    assert cli.HERE == campaign.HOME


def test_a_brief_comes_back_from_disk_as_it_was_written(tmp_path: Path) -> None:
    written = brief(budget=Budget(wall_seconds=60.0), studies=3, scale="smoke")
    assert campaign.read_brief(campaign.create(tmp_path, written)) == written


def test_a_campaign_is_never_overwritten(tmp_path: Path) -> None:
    campaign.create(tmp_path, brief())
    with pytest.raises(CampaignError, match="ratchet resume demo"):
        campaign.create(tmp_path, brief(studies=9))
    assert campaign.read_brief(campaign.find(tmp_path, "demo")).studies == 1


def test_an_unknown_campaign_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    campaign.create(tmp_path, brief())
    with pytest.raises(CampaignError, match="Campaigns there: demo"):
        campaign.find(tmp_path, "dmeo")


def test_a_broken_brief_names_every_fault(tmp_path: Path) -> None:
    made = campaign.create(tmp_path, brief())
    made.brief.write_text('name = "Demo!"\ntemplates = []\nscale = "huge"\n')
    with pytest.raises(CampaignError) as caught:
        campaign.read_brief(made)
    assert all(field in str(caught.value) for field in ("name", "templates", "scale"))


HOLD = """
import sys, time
from pathlib import Path
from agent.campaign import Campaign, writing
with writing(Campaign(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_writer_is_told_who_holds_the_campaign(tmp_path: Path) -> None:
    made = campaign.create(tmp_path, brief())
    first = hold(made.folder)
    try:
        with pytest.raises(CampaignLockedError, match=f"process {first.pid} on"), campaign.writing(made):
            pass
    finally:
        first.kill()
        first.communicate()


def test_the_lock_of_a_killed_process_falls_with_it(tmp_path: Path) -> None:
    made = campaign.create(tmp_path, brief())
    first = hold(made.folder)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    with campaign.writing(made):
        who = campaign.holder(made)
    assert who is not None
    assert who.pid == os.getpid()
