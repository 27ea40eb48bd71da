"""Archive: close the study; its manifest, written last, says that it is whole."""

from __future__ import annotations

from agent import approval, stages
from agent.archive import ArchivedStudy, after, point
from agent.campaign import StudyFolder
from agent.entry import Event
from agent.questions import Related
from agent.seal import Manifest, files, seal, sha256
from agent.state import State, Step, Tools
from papers.evidence import Conclusion
from papers.paper import Paper
from reviews.review import Verdict
from templates.idea import Idea


def archive(state: State, tools: Tools) -> State:
    study = tools.study(state)
    if not study.outcome.exists():
        give_up(state, tools, study)
    if not study.manifest.exists():
        if "paper" in tools.brief.approve and study.paper_pdf.exists() and not approved(tools, study):
            study.withhold()
        seal(tools.campaign, study.folder.name)
        manifest(state, study).save(study.manifest)
    if not tools.journal.has(Event.study_closed, study.folder.name):
        tools.journal.note(Event.study_closed, study.folder.name)
    closed = Manifest.load(study.manifest)
    tools.report(Step("archive", state["number"], f"{closed.conclusion}; paper {closed.decision or 'not reviewed'}"))
    return State(number=state["number"] + 1)


def approved(tools: Tools, study: StudyFolder) -> bool:
    """Say whether a person approved the paper as it is printed."""
    digest = approval.digest(Paper.load(study.paper / "paper.json"))
    return approval.approved(tools.journal.entries, study.folder.name, "paper", digest)


def give_up(state: State, tools: Tools, study: StudyFolder) -> None:
    """Conclude a study that never came to a comparison."""
    known = Related.load(study.related).known if study.related.exists() else ""
    idea = Idea.load(study.idea)
    changes = () if idea.plan else idea.changes
    ArchivedStudy(
        number=state["number"],
        template=idea.template,
        idea=idea,
        changes=changes,
        point=point(tools.template(state), after(idea.changes)),
        conclusion=Conclusion.failed,
        reason=known
        or state["failure"]
        or approval.refusal(tools.journal.entries, study.folder.name)
        or stages.NEVER_PASSED,
        comparison=None,
    ).save(study.outcome)


def manifest(state: State, study: StudyFolder) -> Manifest:
    printed = study.paper_pdf.exists()
    return Manifest(
        number=state["number"],
        slug=study.slug,
        template=state["template"],
        conclusion=ArchivedStudy.load(study.outcome).conclusion,
        paper=str(study.paper_pdf.relative_to(study.folder)) if printed else "",
        decision=Verdict.load(study.verdict).decision if study.verdict.exists() else "",
        failure=state["failure"],
        sha256={str(path.relative_to(study.folder)): sha256(path) for path in files(study.folder)},
    )
