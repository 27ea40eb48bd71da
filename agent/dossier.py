"""The dossier of a study: what is on disk about it, gathered for whoever writes it up."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from agent import archive as archives
from agent import stages
from agent.archive import ArchivedStudy
from agent.campaign import Campaign, DraftFolder, StudyFolder
from agent.circumstances import circumstances
from agent.literature.reference import entry
from agent.questions import CodeChange, Related
from agent.state import State, Tools
from agent.trials import Planned, find
from papers import bibliography
from papers.evidence import Comparison, Stage
from papers.problem import Problem
from papers.study import FigureFile, Provenance, Study
from sandboxes.job import Level
from templates import template
from templates.idea import Idea
from templates.plotting import DrawnFigure
from templates.template import Template
from templates.trial import BASELINE, Trial

PROBLEMS = TypeAdapter(tuple[Problem, ...])
DRAWN = TypeAdapter(tuple[DrawnFigure, ...])


def gather(tools: Tools, state: State) -> Study:
    """Read everything recorded about the study in work; figures are checked against nothing here.

    Files are named by their places within the campaign, so that a copy of it tells the same.
    """
    study, each = tools.study(state), tools.template(state)
    concluded = ArchivedStudy.load(study.outcome)
    related = Related.load(study.related)
    change = CodeChange.load(study.change(state["variant"]))
    tried = archives.past((*before(tools.campaign, study.number).studies, concluded))
    return Study(
        number=study.number,
        slug=study.slug,
        scale=tools.brief.scale,
        template=each.model_copy(update={"folder": Path(tools.campaign.templates.name, each.name)}),
        background=template.background(each),
        idea=as_ran(Idea.load(study.idea), change),
        diff=study.diff.read_text(),
        conclusion=concluded.conclusion,
        reason=concluded.reason,
        comparisons=comparisons(study),
        p_holm=tried[-1].p_holm,
        ablated={each.variant: each.knob for each in stages.ablations(state["variant"], change)},
        trials=trials(tools, study, each),
        figures=figures(study, Path(study.figures.name)),
        bibliography="\n".join((template.bibliography(each), bibliography.write(map(entry, related.records)))),
        cited=related.cited,
        nearest=related.nearest,
        tried=tried,
        provenance=provenance(tools, state, study, each),
    )


def told(tools: Tools, state: State) -> Study:
    """Read what the writer of the draft was told, with files where they are now: a campaign may have been moved."""
    return told_in(tools.study(state), draft_number(state), tools.template(state))


def told_in(study: StudyFolder, draft: int, each: Template) -> Study:
    recorded = Study.load(study.draft(draft).study)
    return recorded.model_copy(update={"template": each, "figures": figures(study, study.figures.resolve())})


def as_ran(idea: Idea, change: CodeChange) -> Idea:
    """Put an idea as its variant carried it out: what a retreat took back is said, and claimed no more.

    Rewritten code is no turn of knobs, even where it turns some as well: the diff is its exact statement.
    """
    if not change.changes:
        return idea.model_copy(update={"changes": ()})
    back = [f"`{each.knob}`" for each in idea.changes if each not in change.changes]
    if not back:
        return idea
    said = f"The idea also turned {' and '.join(back)}; the code failed its rehearsal so, and this was taken back."
    return idea.model_copy(update={"changes": change.changes, "rationale": f"{idea.rationale} {said}"})


def draft_number(state: State) -> int:
    """Give the number of the paper's version in work: one more for each fix and each revision."""
    return 1 + state["fixes"] + state["revisions"]


def before(campaign: Campaign, number: int) -> archives.Archive:
    """Give what was known when study `number` began."""
    everything = archives.read(campaign)
    return archives.Archive(studies=tuple(study for study in everything.studies if study.number < number))


def comparisons(study: StudyFolder) -> tuple[Comparison, ...]:
    """Read the comparisons in the order of the stages, ablations last."""
    found = [Comparison.load(path) for path in sorted(study.comparisons.glob("*.json"))]
    order = list(Stage)
    return tuple(sorted(found, key=lambda comparison: order.index(comparison.stage)))


def trials(tools: Tools, study: StudyFolder, each: Template) -> tuple[Trial, ...]:
    """Read the study's own trials, and the baseline trials on the seeds it used."""
    own = [Trial.load(path) for path in study.ended_trials()]
    used = {(trial.scale, trial.seed) for trial in own}
    planned = (Planned(variant=BASELINE, seed=seed, scale=scale) for scale, seed in sorted(used))
    shared = (trial for baseline in planned if (trial := find(tools, study, each, baseline)) is not None)
    return tuple(sorted((*shared, *own), key=lambda trial: (trial.variant != BASELINE, trial.variant, trial.seed)))


def problems(draft: DraftFolder) -> tuple[Problem, ...]:
    """Read what the press found in a draft; that it stands there says that the press was through with it."""
    return PROBLEMS.validate_json(draft.problems.read_bytes())


def figures(study: StudyFolder, folder: Path) -> tuple[FigureFile, ...]:
    """Read what was drawn, as files in `folder`."""
    if not study.drawn.exists():
        return ()
    return tuple(
        FigureFile(
            name=figure.name,
            caption=figure.caption,
            pdf=folder / f"{figure.name}.pdf",
            csv=folder / f"{figure.name}.csv",
            pdf_sha256=figure.pdf_sha256,
            csv_sha256=figure.csv_sha256,
        )
        for figure in DRAWN.validate_json(study.drawn.read_bytes())
    )


def provenance(tools: Tools, state: State, study: StudyFolder, each: Template) -> Provenance:
    ran = trials(tools, study, each)
    return Provenance(
        **circumstances(tools, study, draft_number(state)).model_dump(),
        template_digest=each.digest,
        variant_digest=next((trial.code_digest for trial in ran if trial.variant == state["variant"]), ""),
        sandbox=sandbox_of(ran),
        trial_cpu_seconds=sum(trial.cpu_seconds or 0.0 for trial in ran),
    )


def sandbox_of(trials: tuple[Trial, ...]) -> str:
    """Name backend and level; a plain process is named as what it is."""
    if any(trial.level is Level.process for trial in trials):
        return "none: plain processes without isolation, unsafe"
    return f"{trials[0].backend.split(',')[0]} ({trials[0].level})" if trials else "none"
