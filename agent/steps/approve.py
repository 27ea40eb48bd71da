"""Approve: where a person is asked before a study goes on, and what their word leads to."""

from __future__ import annotations

from agent import approval, dossier, trials
from agent.approval import Decision, Pending, Thing
from agent.campaign import Point
from agent.entry import Event
from agent.questions import CodeChange
from agent.state import State, Step, Tools
from papers.notice import signed
from papers.paper import Paper
from sandboxes.record import write_atomically
from templates import source
from templates.idea import Idea


def undecided(point: Point, state: State, tools: Tools) -> Pending | None:
    """Give what a person has yet to say a word on, and note in the journal that it waits."""
    if point not in tools.brief.approve:
        return None
    pending = subject(point, state, tools)
    if approval.decision(tools.journal.entries, pending) is not None:
        return None
    if approval.last_pending(tools.journal.entries) != pending:
        tools.journal.note(Event.pending, pending.key, detail=pending.model_dump_json())
    tools.report(Step(f"approve ({point})", state["number"], f"waits for a person: {pending.shown}"))
    return pending


def subject(point: Point, state: State, tools: Tools) -> Pending:
    """Name the thing in work at this point."""
    study = tools.study(state)
    draft = study.draft(dossier.draft_number(state))
    thing: Thing
    match point:
        case "ideas":
            path, shown, thing = study.idea, study.idea, Idea.load(study.idea)
        case "code":
            path, shown = study.change(state["variant"]), study.diff
            thing = CodeChange.load(path)
        case "paper":
            path, shown, thing = draft.paper, study.paper_pdf, Paper.load(draft.paper)
    return Pending(
        study=study.folder.name,
        point=point,
        digest=approval.digest(thing),
        subject=str(path.relative_to(tools.campaign.folder)),
        shown=str(shown.relative_to(tools.campaign.folder)),
    )


def approve(point: Point, state: State, tools: Tools) -> State:
    """Do as the person said; where nobody was asked, go on."""
    pending = subject(point, state, tools)
    said = approval.decision(tools.journal.entries, pending)
    if said is None:
        return State(word="approved")
    reason = f": {said.because}" if said.because else ""
    tools.report(Step(f"approve ({point})", state["number"], f"{pending.thing} {said.word}{reason}"))
    return State(word=said.word) | follow(point, state, tools, pending, said)


def follow(point: Point, state: State, tools: Tools, pending: Pending, said: Decision) -> State:
    if point == "code":
        return after_code(state, tools, pending, said)
    return after_paper(state, tools, said) if point == "paper" else State()


def after_code(state: State, tools: Tools, pending: Pending, said: Decision) -> State:
    """Repair what was rejected; what a person wrote is rehearsed before it runs at full scale."""
    if said.word == "rejected":
        return State(rehearsed=False, stage="", attempt=state["attempt"] + 1)
    if said.word == "edited":
        variant = f"{state['slug']}-edited-{approval.edits(tools.journal.entries, pending)}"
        study, template, change = tools.study(state), tools.template(state), CodeChange.model_validate_json(said.text)
        trials.write_variant(study, template, variant, change)
        write_atomically(study.diff, source.diff(template, change.files))
        return State(rehearsed=False, stage="", variant=variant)
    return State()


def after_paper(state: State, tools: Tools, said: Decision) -> State:
    """Revise what was rejected, a few times at most; then it is withheld."""
    revised = State(revisions=state["revisions"] + 1, printed=False)
    if said.word == "edited":
        write_draft(tools, state | revised, Paper.model_validate_json(said.text))
        return revised
    if said.word == "rejected":
        if state["revisions"] >= max(1, 2 * tools.brief.revisions):
            tools.study(state).withhold()
            return State(requests=[], printed=False)
        wish = said.because or "A person sent the draft back and gave no reason."
        return revised | State(requests=sorted({*state["requests"], wish}))
    return State()


def write_draft(tools: Tools, state: State, paper: Paper) -> None:
    """Make the person's paper the next draft, with a notice that says so."""
    draft = tools.study(state).draft(dossier.draft_number(state))
    draft.folder.mkdir(parents=True, exist_ok=True)
    if not draft.study.exists():
        dossier.gather(tools, state).save(draft.study)
    signed(paper, dossier.told(tools, state)).save(draft.paper)
