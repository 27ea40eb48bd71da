"""Press: hold the draft against its evidence, and typeset it if every gate lets it pass."""

from __future__ import annotations

from collections.abc import Iterator

from agent import dossier
from agent.campaign import DraftFolder, StudyFolder
from agent.literature.publication import NOT_CHECKED
from agent.questions import Related
from agent.state import State, Step, Tools
from papers import checks, latex
from papers import press as printing
from papers.facts import facts
from papers.paper import Paper
from papers.places import cited
from papers.problem import Problem
from papers.study import Study
from sandboxes.record import write_atomically


def press(state: State, tools: Tools) -> State:
    study, number = tools.study(state), dossier.draft_number(state)
    draft = study.draft(number)
    if not draft.problems.exists():
        write_atomically(
            draft.problems, dossier.PROBLEMS.dump_json(print_draft(tools, draft, dossier.told(tools, state)), indent=1)
        )
    stopping = [problem for problem in dossier.problems(draft) if problem.stops]
    if stopping:
        text = f"draft {number} stopped by {len(stopping)} problems, the first: {stopping[0]}"
        tools.report(Step("press", state["number"], text))
        return State(printed=False, fixes=state["fixes"] + 1)
    publish(study, draft)
    blemishes = "".join(f"; {problem}" for problem in dossier.problems(draft) if problem.where.startswith("record "))
    tools.report(Step("press", state["number"], f"draft {number} is {study.paper_pdf}{blemishes}"))
    return State(printed=True)


def print_draft(tools: Tools, draft: DraftFolder, study: Study) -> tuple[Problem, ...]:
    """Check the draft, and typeset it when no gate stops it."""
    paper, known = Paper.load(draft.paper), facts(study)
    found = (
        *checks.check(paper, known, study.figures, study.bibliography, study.template.metric.better),
        *resolved(tools, paper, Related.load(tools.campaign.study(study.number, study.slug).related)),
    )
    if checks.stops(found):
        return found
    tex = latex.latex(paper, known, study.figures, study.bibliography)
    pressed = printing.press(tex, study.bibliography, study.figures, tools.sandbox, draft.folder)
    return (*found, *pressed.problems)


def resolved(tools: Tools, paper: Paper, related: Related) -> Iterator[Problem]:
    """Look each cited record from outside up once more: the paper stops where its source does not agree."""
    found = cited(paper)
    for record in related.records:
        if record.key not in found:
            continue
        said = (
            tools.literature.resolve(record) if tools.literature else f"{NOT_CHECKED} no source of literature at hand"
        )
        if said:
            unchecked = said.startswith(NOT_CHECKED)
            remedy = "look it up by hand" if unchecked else "do not cite it; its source does not know it so"
            yield Problem(where=f"record {record.key}", what=said, remedy=remedy, stops=not unchecked)


def publish(study: StudyFolder, draft: DraftFolder) -> None:
    """Make this draft the study's paper: its source first, each file at once, and the PDF when all else is there."""
    files = [path for path in draft.folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    for path in sorted(files, key=lambda path: (path.name == study.paper_pdf.name, path.name)):
        write_atomically(study.paper / path.name, path.read_bytes())
