"""Review: a panel fills the form for the printed draft; what it asks for may lead to a revision."""

from __future__ import annotations

from concurrent.futures import Future, wait

from agent import dossier
from agent.llm import MisfitError, RefusedError
from agent.questions import Conclude, Judge
from agent.researchers.briefing import unsteady
from agent.researchers.concerns import WEAKNESSES, unanswered
from agent.state import State, Step, Tools
from papers import facts as known
from papers.facts import Fact
from papers.marks import MARK
from papers.paper import Paper
from papers.study import Study
from reviews import document, form, panel
from reviews.document import Document
from reviews.form import Form
from reviews.panel import NoReviewError
from reviews.review import Review, Verdict
from sandboxes.record import Record, write_atomically

NOT_SHOWN = "(differs from run to run)"


class Panel(Record):
    """The reviews that came, and why others did not."""

    reviews: tuple[Review, ...]
    faults: tuple[str, ...]


def review(state: State, tools: Tools) -> State:
    study = tools.study(state)
    draft = study.draft(dossier.draft_number(state))
    seen, blank = read(tools, Paper.load(draft.paper), dossier.told(tools, state)), form.load()
    found = reviews(tools, seen, blank)
    study.reviews.mkdir(exist_ok=True)
    try:
        verdict = concluded(tools, seen, blank, found)
    except NoReviewError as error:
        # What was said of an earlier draft stays with that draft.
        study.verdict.unlink(missing_ok=True)
        write_atomically(study.review_text, f"# No review\n\n{error}\n")
        tools.report(Step("review", state["number"], f"no verdict: {error}"))
        return State(requests=[])
    verdict.save(draft.verdict)
    verdict.save(study.verdict)
    write_atomically(study.review_text, panel.markdown(verdict, seen))
    wanted = wishes(state, tools, verdict)
    unscored = f"; {verdict.unscored} unscored" if verdict.unscored else ""
    text = f"{verdict.decision} (mean {verdict.mean:.1f} of {blank.overall.high}){unscored}"
    tools.report(Step("review", state["number"], text + (f"; asked for: {', '.join(wanted)}" if wanted else "")))
    if wanted:
        return State(requests=sorted({*state["requests"], *wanted}), revisions=state["revisions"] + 1)
    return State(requests=[])


def read(tools: Tools, paper: Paper, study: Study) -> Document:
    """Read the draft as its reviewers do.

    A language model is shown no number that differs from run to run, so that it can be asked the same again.
    """
    facts = known.facts(study)
    shown = steady(paper, study, facts) if tools.brief.llms.get("review") else paper
    return document.from_paper(shown, facts, study.bibliography)


def steady(paper: Paper, study: Study, facts: dict[str, Fact]) -> Paper:
    """Leave times and costs out of a paper; a mark reads the same in JSON as in the paper."""
    hidden = unsteady(study, facts)
    text = MARK.sub(lambda mark: NOT_SHOWN if mark["fact"] in hidden else mark.group(), paper.model_dump_json())
    return Paper.model_validate_json(text)


def reviews(tools: Tools, seen: Document, blank: Form) -> Panel:
    """Ask the reviewers at the same time; one that never fills the form, or refuses, is unscored."""
    questions = [
        Judge(document=seen, form=blank, stance=stance, seed=tools.brief.seed + index)
        for index, stance in enumerate(panel.STANCES)
    ]
    asked: list[Future[Review]] = [tools.executor.submit(tools.ask, "review", each, Review) for each in questions]
    wait(asked)
    given, faults = [], []
    for each, answer in zip(questions, asked, strict=True):
        try:
            given.append(answer.result())
        except (MisfitError, RefusedError) as error:
            faults.append(f"{each.stance}: {error}")
    return Panel(reviews=tuple(given), faults=tuple(faults))


def concluded(tools: Tools, seen: Document, blank: Form, found: Panel) -> Verdict:
    """Conclude from the reviews that came; raises `NoReviewError` when there is none."""
    if not found.reviews:
        raise NoReviewError(f"None of {len(found.faults)} reviewers filled the form: {' | '.join(found.faults)}")
    verdict = tools.ask("review", Conclude(document=seen, form=blank, reviews=found.reviews), Verdict)
    return verdict.model_copy(
        update={"unscored": verdict.unscored + len(found.faults), "faults": (*verdict.faults, *found.faults)}
    )


def wishes(state: State, tools: Tools, verdict: Verdict) -> list[str]:
    """Give what a revision should add or answer: nothing new, or no revision left, is no wish."""
    if state["revisions"] >= tools.brief.revisions:
        return []
    worded = tools.brief.llms.get("writing") and unanswered(verdict.reviews)
    return sorted({*panel.requests(verdict), *([WEAKNESSES] if worded else [])} - set(state["requests"]))
