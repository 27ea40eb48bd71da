"""Review: a panel fills the form for the printed draft; what it asks for may lead to a revision."""

from __future__ import annotations

from agent import dossier
from agent.questions import Conclude, Judge
from agent.state import State, Step, Tools
from papers.facts import facts
from papers.paper import Paper
from reviews import document, form, panel
from reviews.review import Review, Verdict
from sandboxes.record import write_atomically


def review(state: State, tools: Tools) -> State:
    study = tools.study(state)
    draft = study.draft(dossier.draft_number(state))
    told = dossier.told(tools, state)
    seen = document.from_paper(Paper.load(draft.paper), facts(told), told.bibliography)
    blank = form.load()
    reviews = tuple(
        tools.ask("review", Judge(document=seen, form=blank, stance=stance, seed=tools.brief.seed + index), Review)
        for index, stance in enumerate(panel.STANCES)
    )
    verdict = tools.ask("review", Conclude(document=seen, form=blank, reviews=reviews), Verdict)
    verdict.save(draft.verdict)
    study.reviews.mkdir(exist_ok=True)
    verdict.save(study.verdict)
    write_atomically(study.review_text, panel.markdown(verdict, seen))
    wanted = wishes(state, tools, verdict)
    text = f"{verdict.decision} (mean {verdict.mean:.1f} of {blank.overall.high})"
    tools.report(Step("review", state["number"], text + (f"; asked for: {', '.join(wanted)}" if wanted else "")))
    if wanted:
        return State(requests=sorted({*state["requests"], *wanted}), revisions=state["revisions"] + 1)
    return State(requests=[])


def wishes(state: State, tools: Tools, verdict: Verdict) -> list[str]:
    """Give what a revision should add: nothing new, or no revision left, is no wish."""
    if state["revisions"] >= tools.brief.revisions:
        return []
    return sorted(panel.requests(verdict) - set(state["requests"]))
