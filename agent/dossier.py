"""The dossier of a study: what is on disk about it, gathered for whoever writes it up."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

from pydantic import TypeAdapter

from agent import archive as archives
from agent import stages
from agent.archive import ArchivedStudy
from agent.campaign import Campaign, DraftFolder, StudyFolder
from agent.journal import Event
from agent.questions import CodeChange, Related
from agent.state import State, Tools
from agent.trials import Planned, find
from papers.evidence import Comparison, Stage
from papers.problem import Problem
from papers.study import FigureFile, Provenance, Study
from sandboxes.job import Level
from templates import template
from templates.idea import Change, Idea
from templates.plotting import DrawnFigure
from templates.template import Template
from templates.trial import BASELINE, Trial

SOFTWARE = ("numpy", "scipy", "matplotlib", "jax", "torch")
"""Packages whose versions a paper states, where they are installed."""

PROBLEMS = TypeAdapter(tuple[Problem, ...])
DRAWN = TypeAdapter(tuple[DrawnFigure, ...])


def gather(tools: Tools, state: State) -> Study:
    """Read everything recorded about the study in work; figures are checked against nothing here."""
    study, each = tools.study(state), tools.template(state)
    concluded = ArchivedStudy.load(study.outcome)
    related = Related.load(study.related)
    change = CodeChange.load(study.change(state["variant"]))
    tried = archives.past((*before(tools.campaign, study.number).studies, concluded))
    return Study(
        number=study.number,
        slug=study.slug,
        scale=tools.brief.scale,
        template=each,
        background=template.background(each),
        idea=as_ran(Idea.load(study.idea), change.changes),
        diff=study.diff.read_text(),
        conclusion=concluded.conclusion,
        reason=concluded.reason,
        comparisons=comparisons(study),
        p_holm=tried[-1].p_holm,
        ablated={each.variant: each.knob for each in stages.ablations(state["variant"], change)},
        trials=trials(tools, study, each),
        figures=figures(study),
        bibliography=template.bibliography(each),
        cited=related.cited,
        tried=tried,
        provenance=provenance(tools, state, study, each),
    )


def told(tools: Tools, state: State) -> Study:
    """Read what the writer of the draft was told, with files where they are now: a campaign may have been moved."""
    study = tools.study(state)
    recorded = Study.load(study.draft(draft_number(state)).study)
    return recorded.model_copy(update={"template": tools.template(state), "figures": figures(study)})


def as_ran(idea: Idea, changes: tuple[Change, ...]) -> Idea:
    """Put an idea as its variant carried it out: what a retreat took back is said, and claimed no more."""
    back = [f"`{each.knob}`" for each in idea.changes if each not in changes]
    if not back:
        return idea
    said = f"The idea also turned {' and '.join(back)}; the code failed its rehearsal so, and this was taken back."
    return idea.model_copy(update={"changes": changes, "rationale": f"{idea.rationale} {said}"})


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


def figures(study: StudyFolder) -> tuple[FigureFile, ...]:
    if not study.drawn.exists():
        return ()
    return tuple(
        FigureFile(
            name=figure.name,
            caption=figure.caption,
            pdf=study.figures.resolve() / f"{figure.name}.pdf",
            csv=study.figures.resolve() / f"{figure.name}.csv",
            pdf_sha256=figure.pdf_sha256,
            csv_sha256=figure.csv_sha256,
        )
        for figure in DRAWN.validate_json(study.drawn.read_bytes())
    )


def provenance(tools: Tools, state: State, study: StudyFolder, each: Template) -> Provenance:
    ran = trials(tools, study, each)
    spend = tools.journal.since(Event.study_opened, study.folder.name)
    return Provenance(
        campaign=tools.campaign.name,
        researchers=answered_by(tools),
        ratchet_version=metadata.version("ratchet-lab"),
        template_digest=each.digest,
        variant_digest=next((trial.code_digest for trial in ran if trial.variant == state["variant"]), ""),
        hardware=hardware(),
        software={"Python": platform.python_version()}
        | {name: version for name in SOFTWARE if (version := installed(name))},
        sandbox=sandbox_of(ran),
        wall_seconds=spend.wall_seconds,
        trial_cpu_seconds=sum(trial.cpu_seconds or 0.0 for trial in ran),
        spend_usd=spend.usd,
        command=command(tools),
    )


def answered_by(tools: Tools) -> dict[str, str]:
    """Name who answers which kind of question; one name when it is one for all."""
    names = {kind: researcher.name for kind, researcher in tools.researchers.items()}
    return {"all": next(iter(names.values()))} if len(set(names.values())) == 1 else dict(names)


def sandbox_of(trials: tuple[Trial, ...]) -> str:
    """Name backend and level; a plain process is named as what it is."""
    if any(trial.level is Level.process for trial in trials):
        return "none: plain processes without isolation, unsafe"
    return f"{trials[0].backend.split(',')[0]} ({trials[0].level})" if trials else "none"


def hardware() -> str:
    """Name the processor, the cores that this process may use, and the memory."""
    import psutil

    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = psutil.virtual_memory().total / 2**30
    return f"{names[0] if names else platform.processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB of memory"


def installed(package: str) -> str:
    """Give the package's version, or nothing where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def command(tools: Tools) -> str:
    brief = tools.brief
    names = " ".join(Path(name).name for name in brief.templates)
    return (
        f"ratchet run {names} --name {brief.name} --scale {brief.scale} --studies {brief.studies} --seed {brief.seed}"
    )
