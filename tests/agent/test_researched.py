"""Walks of whole studies whose ideas and code come from a language model; everything else is real but the sandbox."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from author_ideas import IdeasAuthor
from desks import Answer, Shelf, record, speaking
from walking import LINE, acting, begun

from agent import bootstrap, campaign, walk
from agent.archive import ArchivedStudy
from agent.campaign import Campaign, StudyFolder
from agent.llm import MisfitError, Reply, Request, Role
from agent.questions import A, CodeChange, Question, Related, Researcher
from agent.researchers.desk import Desk
from agent.researchers.evolution import ExhaustedError
from agent.researchers.language_model import LanguageModelResearcher
from agent.seal import Manifest
from agent.state import Step, StopRequestedError
from agent.steps import implement
from papers.evidence import Conclusion
from papers.study import Study
from sandboxes.choose import choose
from sandboxes.job import Level, Sandbox
from templates.template import Template
from templates.trial import Trial, TrialEnding

STEPS = record("smith2020step", "Step sizes for stochastic descent", "Small steps at the end average the noise away.")


def lower_when_changed(code: str, seed: int) -> float:
    """Find the author's change of the code good, and every turn of a knob bad."""
    return (1.0 if "1.0 + abs(" in code else 2.0 + ("= 0.3" not in code)) + 0.001 * (seed % 7)


def researching(answer: Answer, *kinds: Role, knobs_only: bool = False) -> dict[Role, Researcher]:
    """Let a scripted language model answer these kinds of questions."""
    desk = Desk(speaking(answer), Shelf([STEPS]), knobs_only=knobs_only)
    return dict.fromkeys(kinds, LanguageModelResearcher(desk))


def go(
    made: Campaign, researchers: Mapping[Role, Researcher], sandbox: Sandbox | None = None, stop_at: str = ""
) -> list[Step]:
    """Walk with these researchers in the place of the embedded ones; stop where a step says `stop_at`."""
    steps: list[Step] = []
    stop = threading.Event()

    def report(step: Step) -> None:
        steps.append(step)
        if stop_at and stop_at in step.text:
            stop.set()

    acted = sandbox or acting(lower_when_changed)
    with bootstrap.tools(made, campaign.read_brief(made), report, stop, acted) as tools:
        walk.walk(dataclasses.replace(tools, researchers={**tools.researchers, **researchers}))
    return steps


def outcome(study: StudyFolder) -> ArchivedStudy:
    return ArchivedStudy.load(study.outcome)


def refusing(opening: str) -> Answer:
    """Refuse the prompts that begin so, and answer all others as the author does."""
    author = IdeasAuthor()

    def answer(request: Request) -> Reply | str | None:
        if request.messages[0].text.startswith(opening):
            return Reply(text="I would rather not.", finish="refused", usage=None, served="x")
        return author.answer(request)

    return answer


def babbling(opening: str) -> Answer:
    """Never keep to the form of the prompts that begin so."""
    author = IdeasAuthor()
    return lambda request: "Well." if request.messages[0].text.startswith(opening) else author.answer(request)


def test_a_change_of_code_goes_from_a_proposal_to_a_printed_paper(tmp_path: Path) -> None:
    made = begun(tmp_path)
    go(made, researching(IdeasAuthor().answer, "ideas", "code"))
    (study,) = made.studies()
    found = outcome(study)
    assert (found.conclusion, found.changes, found.rewritten) == (Conclusion.supported, (), True)
    assert "1.0 + abs(float(time))" in study.diff.read_text()
    tex = (study.paper / "paper.tex").read_text()
    assert "rewrites code instead of turning a declared setting" in " ".join(tex.split())
    assert "taken back" not in tex


def test_a_record_that_the_survey_chose_is_in_the_bibliography_of_the_paper(tmp_path: Path) -> None:
    made = begun(tmp_path)
    go(made, researching(IdeasAuthor().answer, "ideas", "code"))
    (study,) = made.studies()
    assert Related.load(study.related).records == (STEPS,)
    told = Study.load(study.draft(1).study)
    assert "@misc{smith2020step," in told.bibliography
    assert "robbins1951" in told.bibliography
    assert r"smith2020step" in (study.paper / "paper.tex").read_text()


def test_code_that_crashes_is_mended_from_what_its_rehearsal_said(tmp_path: Path) -> None:
    made = begun(tmp_path)
    researchers = researching(IdeasAuthor(faulty=True).answer, "ideas", "code")
    with pytest.raises(StopRequestedError):
        go(made, researchers, choose(None), stop_at="runs in")
    (study,) = made.studies()
    first, second = (
        Trial.load(study.trial(f"{study.slug}{name}", "smoke", 0) / "trial.json") for name in ("", "-repair-1")
    )
    assert (first.ending, second.ending) == ("crashed", "finished")
    assert "NameError: name 'share_of_the_start' is not defined" in first.message
    assert CodeChange.load(study.change(f"{study.slug}-repair-1")).changes == ()


@pytest.mark.parametrize("opening", ["Write the queries", "Judge what is published", "Write this idea as a change"])
@pytest.mark.parametrize("unhelpful", [refusing, babbling])
def test_a_question_without_an_answer_ends_its_study_and_not_the_campaign(
    tmp_path: Path, opening: str, unhelpful: Callable[[str], Answer]
) -> None:
    made = begun(tmp_path, studies=2)
    go(made, researching(unhelpful(opening), "ideas", "code"))
    first, second = made.studies()
    assert outcome(first).conclusion is Conclusion.failed
    assert "refused to answer" in outcome(first).reason or "none fits" in outcome(first).reason
    assert Manifest.load(first.manifest).failure == outcome(first).reason
    assert second.manifest.exists()


def test_a_campaign_whose_author_has_no_idea_ends_and_says_why(tmp_path: Path) -> None:
    made = begun(tmp_path)
    with pytest.raises(ExhaustedError, match=r"No idea came for study 1. scripted/author refused to answer"):
        go(made, researching(refusing("Propose"), "ideas", "code"))
    assert made.studies() == ()


def test_an_idea_that_is_given_up_is_concluded_with_its_authors_reason(tmp_path: Path) -> None:
    made = begun(tmp_path)
    author = IdeasAuthor()

    def answer(request: Request) -> str | None:
        asked = request.messages[0].text
        return "GIVE UP: it cannot be scored." if asked.startswith("Write this idea") else author.answer(request)

    go(made, researching(answer, "ideas", "code"))
    assert outcome(made.studies()[0]).reason == "it cannot be scored."
    assert outcome(made.studies()[0]).rewritten


def test_ideas_of_a_language_model_and_of_evolution_share_a_campaign(tmp_path: Path) -> None:
    made = begun(tmp_path, studies=1)
    go(made, researching(IdeasAuthor().answer, "ideas", "code"))
    campaign.write_brief(made, campaign.read_brief(made).model_copy(update={"studies": 4}))
    go(made, {})
    ideas = [outcome(study).idea for study in made.studies()]
    assert [each.lineage.operator == "language-model" for each in ideas] == [True, False, False, False]
    assert all(ideas[0].slug not in each.lineage.parents for each in ideas[1:])
    assert all(study.paper_pdf.exists() for study in made.studies())


def test_where_the_embedded_researcher_writes_the_code_ideas_turn_knobs(tmp_path: Path) -> None:
    made = begun(tmp_path, studies=2)
    go(made, researching(IdeasAuthor().answer, "ideas", knobs_only=True))
    for study in made.studies():
        assert outcome(study).idea.plan == ""
        assert outcome(study).changes == outcome(study).idea.changes != ()


def test_a_study_that_is_walked_again_asks_nothing_again(tmp_path: Path) -> None:
    made = begun(tmp_path)
    with pytest.raises(StopRequestedError):
        go(made, researching(IdeasAuthor().answer, "ideas", "code"), stop_at="runs in")
    made.checkpoint.unlink()
    go(made, researching(lambda _: None, "ideas", "code"))
    assert outcome(made.studies()[0]).conclusion is Conclusion.supported


class Unhelpful:
    """Answers nothing in form."""

    name = "scripted/unhelpful"

    def answer(self, question: Question[A]) -> A:
        raise MisfitError(f"No answer to {type(question).__name__} fits.")


def test_a_paper_that_nobody_writes_leaves_its_study_concluded_without_one(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made, {"writing": Unhelpful()})
    (study,) = made.studies()
    assert outcome(study).comparison is not None
    closed = Manifest.load(study.manifest)
    assert (closed.paper, closed.failure) == ("", "No answer to Write fits.")


def test_a_failure_is_told_without_what_differs_from_run_to_run() -> None:
    told = implement.steady(
        "The experiment ended as crashed with exit code 1 after 0.4 s.\n<Net at 0x7f12ab34cd56>\n0xff"
    )
    assert told == "The experiment ended as crashed with exit code 1.\n<Net at 0x…>\n0xff"


@pytest.mark.parametrize(
    ("ending", "limit"),
    [
        (TrialEnding.timed_out, "20 s of wall time or 20 s of CPU time"),
        (TrialEnding.out_of_memory, "1024 MiB of memory"),
        (TrialEnding.too_much_output, "1 MiB of output, 16 MiB of files"),
        (TrialEnding.crashed, ""),
    ],
)
def test_a_failure_names_the_limit_that_was_hit(toy: Template, ending: TrialEnding, limit: str) -> None:
    failed = Trial(
        template="toy",
        template_digest="",
        variant="x",
        code_digest="",
        scale="smoke",
        seed=0,
        ending=ending,
        wall_seconds=1.0,
        level=Level.process,
        backend="",
    )
    assert implement.limit(failed, toy) == limit
