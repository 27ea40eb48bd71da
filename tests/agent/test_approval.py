"""Whole walks with a person in the loop: what they are asked, and what their word leads to."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from staffed import LLMS, staffed
from walking import BOLDER, LINE, acting, begun, go, lower_for_the_line

from agent import approval, bootstrap, campaign, deciding, ledger, walk
from agent.approval import ApprovalNeededError, Decision
from agent.archive import ArchivedStudy
from agent.campaign import Campaign, CampaignError, StudyFolder
from agent.entry import Event
from agent.llm import RefusedError, Request
from agent.questions import CodeChange, Question, Write
from agent.researchers.embedded import EmbeddedResearcher
from agent.seal import Manifest
from papers.evidence import Conclusion
from papers.notice import unsigned
from papers.paper import Paper, Paragraph
from papers.study import Study
from templates.idea import Idea

APPROVED = Decision(word="approved")
REJECTED = Decision(word="rejected", because="It is too timid.")


def waits(made: Campaign) -> str:
    """Walk on and give what the campaign says that it waits for."""
    with pytest.raises(ApprovalNeededError) as raised:
        go(made)
    return str(raised.value)


def say(made: Campaign, decision: Decision) -> None:
    deciding.decide(made, lambda _: decision)


def edit(made: Campaign, file: Path) -> None:
    deciding.decide(made, lambda pending: deciding.edit(made, pending, file))


def study_of(made: Campaign) -> StudyFolder:
    return made.studies()[-1]


def outcome(made: Campaign) -> ArchivedStudy:
    return ArchivedStudy.load(study_of(made).outcome)


def asked_for(made: Campaign) -> list[str]:
    return [entry.key for entry in ledger.read(made.ledger) if entry.event is Event.pending]


def notice(made: Campaign) -> str:
    paper = Paper.load(study_of(made).paper / "paper.json")
    blocks = (block for section in paper.sections for block in section.blocks)
    return next(block.text for block in blocks if isinstance(block, Paragraph) and block.heading == "Notice")


def test_nobody_is_asked_by_default(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made)
    assert asked_for(made) == []
    assert "no human has checked" in notice(made)


def test_a_campaign_waits_at_each_point_and_goes_on_when_a_person_approves(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("ideas", "code", "paper"))
    idea = waits(made)
    assert "The idea" in idea
    assert "ratchet approve story" in idea
    assert not (study_of(made).code).exists()
    say(made, APPROVED)
    assert "+" in waits(made)
    assert study_of(made).trial("the-idea", "smoke", 0).joinpath("trial.json").exists()
    assert not study_of(made).comparisons.exists()
    say(made, APPROVED)
    assert str(study_of(made).paper_pdf) in waits(made)
    assert study_of(made).verdict.exists()
    say(made, APPROVED)
    go(made)
    assert study_of(made).manifest.exists()
    assert len(asked_for(made)) == len(set(asked_for(made))) == 3
    assert "approved the idea" in notice(made)


def test_walking_again_asks_for_the_same_thing_and_enters_it_once(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("ideas",))
    assert waits(made) == waits(made)
    assert len(asked_for(made)) == 1


def test_what_was_decided_survives_the_loss_of_the_checkpoint(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("ideas", "code", "paper"))
    for _ in range(3):
        waits(made)
        say(made, APPROVED)
        made.checkpoint.unlink()
    go(made)
    assert study_of(made).manifest.exists()
    assert len(asked_for(made)) == 3


def test_a_rejected_idea_ends_its_study_with_the_reason_and_the_next_study_begins(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("ideas",), studies=2)
    waits(made)
    say(made, REJECTED)
    assert "002-" in waits(made)
    first = ArchivedStudy.load(made.studies()[0].outcome)
    assert first.conclusion is Conclusion.failed
    assert first.reason == "A person rejected the idea: It is too timid."
    assert not made.studies()[0].trials.exists()


def test_a_changed_idea_is_surveyed_anew_and_studied_without_asking_again(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("ideas",))
    waits(made)
    mine = Idea.load(study_of(made).idea).model_dump(mode="json") | {"title": "A person's idea"}
    (tmp_path / "mine.json").write_text(json.dumps(mine))
    edit(made, tmp_path / "mine.json")
    made.checkpoint.unlink()
    go(made)
    assert Idea.load(study_of(made).idea).title == "A person's idea"
    assert outcome(made).idea.title == "A person's idea"
    assert len(asked_for(made)) == 1
    questions = [path.read_text() for path in made.exchanges.glob("*.json")]
    assert any("cited" in text and "A person's idea" in text for text in questions)
    assert "A person changed the idea" in notice(made)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"slug": "another"}, "slug"),
        ({"title": 5}, "title"),
        ({"changes": []}, "turn a knob"),
        ({"changes": [{"knob": "initial", "before": 0.3, "after": 99.0}]}, "initial"),
    ],
)
def test_an_idea_that_cannot_stand_is_refused_with_its_fault(
    tmp_path: Path, change: dict[str, object], fault: str
) -> None:
    made = begun(tmp_path, LINE, approve=("ideas",))
    waits(made)
    mine = Idea.load(study_of(made).idea).model_dump(mode="json") | change
    (tmp_path / "mine.json").write_text(json.dumps(mine))
    with pytest.raises(CampaignError, match=fault):
        edit(made, tmp_path / "mine.json")
    assert "The idea" in waits(made)


def test_an_edit_that_changes_nothing_is_refused(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("ideas",))
    waits(made)
    with pytest.raises(CampaignError, match="ratchet approve"):
        edit(made, study_of(made).idea)


def test_rejected_code_is_repaired_and_the_repair_waits_in_its_turn(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, BOLDER, approve=("code",))
    waits(made)
    say(made, REJECTED)
    waits(made)
    (repair,) = (path for path in study_of(made).code.glob("*-repair-1.json"))
    assert [change.knob for change in CodeChange.load(repair).changes] == ["step_size"]
    assert any("It is too timid." in path.read_text() for path in made.exchanges.glob("*.json"))
    say(made, APPROVED)
    go(made)
    assert [change.knob for change in outcome(made).changes] == ["step_size"]
    assert "rejected an earlier version of the code" in notice(made)


def test_code_that_is_rejected_until_nothing_is_left_ends_the_study_with_the_reason(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("code",))
    waits(made)
    say(made, REJECTED)
    go(made)
    assert outcome(made).conclusion is Conclusion.failed
    assert "A person rejected the code: It is too timid." in outcome(made).reason


def test_changed_code_is_rehearsed_before_its_trials(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("code",))
    waits(made)
    code = study_of(made).variant_code("the-idea") / "experiment.py"
    mine = tmp_path / "mine.py"
    mine.write_text(code.read_text().replace("initial: float = 0.3", "initial: float = 0.2"))
    edit(made, mine)
    go(made)
    variant = "the-idea-edited-1"
    assert study_of(made).trial(variant, "smoke", 0).joinpath("trial.json").exists()
    assert [change.knob for change in outcome(made).changes] == ["initial", "step_size"]
    assert Study.load(study_of(made).paper / "study.json").comparisons[0].variant == variant
    assert len(asked_for(made)) == 1
    assert "A person changed the code" in notice(made)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [("import", "import(", "does not parse"), ("initial: float = 0.3", "begin: float = 0.3", "initial")],
)
def test_code_that_cannot_run_is_refused_with_its_fault(tmp_path: Path, before: str, after: str, fault: str) -> None:
    made = begun(tmp_path, LINE, approve=("code",))
    waits(made)
    code = (study_of(made).variant_code("the-idea") / "experiment.py").read_text()
    (tmp_path / "mine.py").write_text(code.replace(before, after))
    with pytest.raises(CampaignError, match=fault):
        edit(made, tmp_path / "mine.py")


def test_a_rejected_paper_is_revised_a_few_times_and_then_withheld(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("paper",))
    waits(made)
    drafts = len(list(study_of(made).paper.glob("draft-*")))
    say(made, REJECTED)
    for _ in range(4):
        try:
            go(made)
            break
        except ApprovalNeededError:
            say(made, REJECTED)
    assert len(list(study_of(made).paper.glob("draft-*"))) > drafts
    assert study_of(made).manifest.exists()
    assert not study_of(made).paper_pdf.exists()
    assert study_of(made).withheld.exists()
    assert outcome(made).conclusion is Conclusion.supported
    told = approval.history(tuple(ledger.read(made.ledger)), study_of(made).folder.name)
    assert "paper rejected: It is too timid." in told


class GivesUp:
    """Writes as the embedded researcher does, and refuses to write a second time."""

    name = "gives up"

    def __init__(self) -> None:
        self._embedded = EmbeddedResearcher()

    def answer(self, question: Question[Paper]) -> Paper:
        if isinstance(question, Write) and question.draft is not None:
            raise RefusedError("It will not revise this.")
        return self._embedded.answer(question)


def test_a_printed_draft_whose_revision_failed_is_withheld_where_a_person_was_to_be_asked(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("paper",), revisions=1)
    brief = campaign.read_brief(made)
    with bootstrap.tools(made, brief, lambda _: None, threading.Event(), acting(lower_for_the_line)) as tools:
        walk.walk(replace(tools, researchers={**tools.researchers, "writing": GivesUp()}))
    assert study_of(made).draft(1).verdict.exists()
    assert study_of(made).withheld.exists()
    assert not study_of(made).paper_pdf.exists()
    assert Manifest.load(study_of(made).manifest).paper == ""


def test_an_edited_paper_is_printed_with_a_notice_that_says_so(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("paper",))
    waits(made)
    paper = Paper.load(study_of(made).paper / "paper.json")
    mine = paper.model_copy(update={"title": "A person's title"})
    mine.save(tmp_path / "mine.json")
    edit(made, tmp_path / "mine.json")
    go(made)
    printed = Paper.load(study_of(made).paper / "paper.json")
    assert printed.title == "A person's title"
    assert "A person edited the draft." in notice(made)
    assert study_of(made).paper_pdf.exists()
    assert len(asked_for(made)) == 1


def test_a_paper_edited_against_its_evidence_is_refused(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("paper",))
    waits(made)
    paper = Paper.load(study_of(made).paper / "paper.json")
    mine = paper.model_copy(update={"abstract": f"{paper.abstract} It is better by 12345.6 in every case."})
    mine.save(tmp_path / "mine.json")
    with pytest.raises(CampaignError, match="12345"):
        edit(made, tmp_path / "mine.json")


def test_a_paper_keeps_its_notice(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("paper",))
    waits(made)
    paper = unsigned(Paper.load(study_of(made).paper / "paper.json"))
    paper.model_copy(update={"title": "A person's title"}).save(tmp_path / "mine.json")
    with pytest.raises(CampaignError, match="'Notice' is gone"):
        edit(made, tmp_path / "mine.json")


def test_a_language_model_is_told_why_a_person_sent_its_work_back(tmp_path: Path) -> None:
    made = begun(tmp_path, **LLMS, approve=("code", "paper"))
    heard: list[Request] = []

    def walk_on() -> None:
        brief, stop = campaign.read_brief(made), threading.Event()
        with bootstrap.tools(made, brief, lambda _: None, stop, acting(lower_for_the_line), replaying=True) as tools:
            walk.walk(staffed(tools, heard=heard.append))

    for decision in (APPROVED, Decision(word="rejected", because="Explain the drift of the step size.")):
        with pytest.raises(ApprovalNeededError):
            walk_on()
        say(made, decision)
    with pytest.raises(ApprovalNeededError):
        walk_on()
    told = [request for request in heard if "Explain the drift of the step size." in request.text]
    assert {request.purpose for request in told} >= {"revise"}


def test_a_word_when_nothing_waits_is_answered_with_what_to_do(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made)
    with pytest.raises(CampaignError, match="Nothing in 'story' waits"):
        say(made, APPROVED)


def test_an_editor_changes_what_waits(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("ideas",))
    waits(made)
    editor = {"EDITOR": "sed -i 's/It helps/It helps a lot/'"}
    deciding.decide(made, lambda pending: deciding.edit(made, pending, None, editor))
    go(made)
    assert outcome(made).idea.hypothesis == "It helps a lot."


def test_an_editor_that_fails_leaves_the_matter_open_and_names_the_copy(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, approve=("ideas",))
    waits(made)
    with pytest.raises(CampaignError, match=r"idea\.json"):
        deciding.decide(made, lambda pending: deciding.edit(made, pending, None, {"EDITOR": "false"}))
    assert "The idea" in waits(made)
