"""Replays of whole small campaigns from their own record."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path

import pytest
from author_ideas import SLIP
from staffed import LLMS, staffed
from walking import BOLDER, LINE, acting, begun, crashing_when_bold, go, lower_for_the_line

from agent import bootstrap, campaign, deciding, replay, walk
from agent.approval import ApprovalNeededError, Decision
from agent.archive import ArchivedStudy
from agent.budget import Budget
from agent.campaign import Campaign, CampaignError
from agent.llms.recorded import RecordedCall
from agent.replay import Report
from agent.seal import Manifest
from agent.state import Step
from papers.evidence import Conclusion
from sandboxes.scripted import Scripted


def quiet(_: Step) -> None:
    """Tell nobody."""


def replayed(
    made: Campaign, *, again: bool = False, name: str | None = None, sandbox: Scripted | None = None
) -> Report:
    return replay.replay(made, name, quiet, threading.Event(), sandbox or acting(lower_for_the_line), again=again)


def crashing_at_a_slip(code: str, seed: int) -> float | None:
    """Let code crash that names what no code defines, as the author's deliberate fault does."""
    if SLIP in code:
        raise NameError(f"name '{SLIP}' is not defined")
    return lower_for_the_line(code, seed)


def authored(tmp_path: Path, **fields: object) -> Campaign:
    """Let a language model bring a campaign to its end, a failed rehearsal and its repair among it."""
    made = begun(tmp_path, **LLMS, **fields)
    brief, stop = campaign.read_brief(made), threading.Event()
    with bootstrap.tools(made, brief, quiet, stop, acting(crashing_at_a_slip), replaying=True) as tools:
        walk.walk(staffed(tools, faulty=True))
    return made


def replayed_authored(made: Campaign, *, again: bool = False) -> Report:
    return replayed(made, again=again, sandbox=acting(crashing_at_a_slip))


def slowly(code: str, seed: int) -> float | None:
    time.sleep(0.3)
    return lower_for_the_line(code, seed)


def call_of(made: Campaign, purpose: str) -> Path:
    """Find a recorded call by what it was asked for."""
    return next(path for path in sorted(made.calls.iterdir()) if RecordedCall.load(path).request.purpose == purpose)


def faults(report: Report) -> list[str]:
    return [f"{each.file}: {each.what}" for each in report.differences]


@pytest.mark.parametrize("again", [False, True])
def test_an_embedded_campaign_replays_bit_for_bit(tmp_path: Path, *, again: bool) -> None:
    made = begun(tmp_path, LINE, BOLDER, studies=2)
    go(made)
    report = replayed(made, again=again)
    assert faults(report) == []
    written = sum(len([path for path in study.folder.rglob("*") if path.is_file()]) for study in made.studies())
    assert report.equal == written > 50
    assert (report.trials > 0) is again


def test_trials_are_not_run_again_unless_asked_for(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made)
    jobs: list[str] = []
    assert faults(replayed(made, sandbox=acting(lower_for_the_line, jobs))) == []
    assert {Path(job).name for job in jobs if job.endswith(".py")} == {"plot.py"}


@pytest.mark.parametrize(
    ("tokens", "within"),
    [(28_000, "repair"), (33_000, "section"), (50_000, "judge"), (65_000, "judge")],
)
def test_studies_that_use_up_their_own_budget_are_concluded_and_replay(
    tmp_path: Path, tokens: int, within: str
) -> None:
    """The campaign goes on, and a replay stops each study where it was stopped, in the midst of a step."""
    made = authored(tmp_path, studies=2, study_budget=Budget(tokens=tokens))
    failures = [Manifest.load(study.manifest).failure for study in made.studies()]
    assert len(failures) == 2
    assert re.match(rf"Its own budget is used up: the next call to scripted/author \(({within})\) may", failures[0])
    assert failures[1].startswith("Its own budget is used up: ")
    assert all(study.paper_pdf.exists() is (tokens > 40_000) for study in made.studies())
    assert faults(replayed_authored(made)) == []


@pytest.mark.parametrize("seconds", [1e-9, 0.75])
def test_a_study_whose_time_is_used_up_begins_no_more_trials_and_replays(tmp_path: Path, seconds: float) -> None:
    made = begun(tmp_path, LINE, BOLDER, studies=2, study_budget=Budget(wall_seconds=seconds))
    go(made, slowly)
    first, _ = (ArchivedStudy.load(study.outcome) for study in made.studies())
    assert first.conclusion is Conclusion.failed
    assert re.fullmatch(r"Its own budget is used up: [\d.]+ of [\de.-]+ wall seconds used\.", first.reason)
    assert faults(replayed(made, sandbox=acting(slowly))) == []


def test_a_campaign_that_was_moved_replays(tmp_path: Path) -> None:
    made = begun(tmp_path / "before", LINE)
    go(made)
    moved = Campaign((tmp_path / "before" / "campaigns").rename(tmp_path / "elsewhere") / "story")
    assert faults(replayed(moved)) == []


def test_a_retreat_after_a_failed_rehearsal_replays(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, BOLDER)
    go(made, crashing_when_bold)
    assert faults(replayed(made, again=True, sandbox=acting(crashing_when_bold))) == []


def test_what_persons_decided_is_replayed_without_asking_them(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, BOLDER, approve=("ideas", "code", "paper"))
    words = [
        Decision(word="approved"),
        Decision(word="rejected", because="Only one."),
        Decision(word="approved"),
        Decision(word="rejected", because="Say more."),
    ]
    for word in [*words, Decision(word="approved")]:
        try:
            go(made)
        except ApprovalNeededError:
            deciding.decide(made, lambda _, word=word: word)  # type: ignore[misc]
    go(made)
    report = replayed(made)
    assert faults(report) == []
    assert any("sent an earlier draft back" in path.read_text() for path in made.studies()[0].paper.glob("*.json"))


def test_a_replay_lies_beside_its_original_under_a_name_that_is_free(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made)
    assert Path(replayed(made).replay).name == "story-replay"
    assert Path(replayed(made).replay).name == "story-replay-2"
    assert Path(replayed(made, name="mine").replay).name == "mine"
    with pytest.raises(CampaignError, match="mine"):
        replayed(made, name="mine")


def test_a_campaign_without_a_finished_study_cannot_be_replayed(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="No study of 'story' is finished"):
        replayed(begun(tmp_path, LINE))


def test_a_tampered_trial_is_found_and_named(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made)
    (trial,) = made.studies()[0].trials.glob("the-idea/smoke-s1/trial.json")
    content = json.loads(trial.read_text())
    content["measurements"]["log_loss"] += 0.5
    trial.write_text(json.dumps(content))
    report = replayed(made, again=True)
    name = f"studies/{made.studies()[0].folder.name}/trials/the-idea/smoke-s1/trial.json"
    found = [each.what for each in report.differences if each.file == name]
    assert any("changed in the original" in what for what in found)
    assert any("run again, log_loss was" in what for what in found)
    assert any("comparisons/pilot.json" in each.file for each in report.differences)


def test_a_tampered_baseline_is_found_and_named(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made)
    trial = next(made.baseline.glob("*/smoke-s1/trial.json"))
    trial.write_text(trial.read_text().replace('"wall_seconds": ', '"wall_seconds": 1'))
    assert any(str(trial.relative_to(made.folder)) == each.file for each in replayed(made).differences)


def test_a_paper_that_was_edited_behind_the_record_is_found_and_named(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made)
    tex = made.studies()[0].paper / "paper.tex"
    tex.write_text(tex.read_text().replace("The idea", "The great idea"))
    told = [each.what for each in replayed(made).differences if each.file.endswith("paper/paper.tex")]
    assert any("great idea" in what for what in told)


def test_only_finished_studies_are_replayed(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, studies=1)
    go(made)
    campaign.write_brief(made, campaign.read_brief(made).model_copy(update={"studies": 2, "approve": ("ideas",)}))
    with pytest.raises(ApprovalNeededError):
        go(made)
    report = replayed(made)
    assert (report.studies, faults(report)) == (1, [])


@pytest.mark.parametrize("again", [False, True])
def test_a_language_models_campaign_replays_bit_for_bit_and_asks_it_nothing(tmp_path: Path, *, again: bool) -> None:
    made = authored(tmp_path, studies=2)
    assert any(made.studies()[0].code.glob("*-repair-1.json"))
    assert len(list(made.studies()[0].paper.glob("draft-*"))) > 1
    report = replayed_authored(made, again=again)
    assert (report.studies, faults(report)) == (2, [])
    assert report.equal > 100


def test_a_tampered_answer_of_a_language_model_is_found_and_named(tmp_path: Path) -> None:
    made = authored(tmp_path)
    call = call_of(made, "interpret")
    call.write_text(call.read_text().replace("observations", "0bservations"))
    report = replayed_authored(made)
    assert f"calls/{call.name}" in [each.file for each in report.differences]


def test_a_tampered_review_shows_in_the_verdict(tmp_path: Path) -> None:
    made = authored(tmp_path)
    call = call_of(made, "conclude")
    recorded = RecordedCall.load(call)
    reply = recorded.reply.model_copy(update={"text": recorded.reply.text.replace("The ", "Our ", 1)})
    assert reply != recorded.reply
    recorded.model_copy(update={"reply": reply}).save(call)
    found = [each.file for each in replayed_authored(made).differences]
    assert f"calls/{call.name}" in found
    assert any(name.endswith("/verdict.json") for name in found)


def test_an_answer_that_is_not_on_record_stops_the_replay_and_is_named(tmp_path: Path) -> None:
    made = authored(tmp_path)
    call = call_of(made, "implement")
    call.unlink()
    report = replayed_authored(made)
    assert any(call.name in each.what and "'implement'" in each.what for each in report.differences)
    assert any(each.what == "only the original has it" for each in report.differences)


def test_another_version_of_ratchet_is_named_where_something_differs(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made)
    for path in made.exchanges.glob("*.json"):
        path.write_text(path.read_text().replace('ratchet_version\\":\\"', 'ratchet_version\\":\\"9.'))
    first = replayed(made).differences[0]
    assert (first.file, "made by version 9." in first.what) == ("ratchet", True)
