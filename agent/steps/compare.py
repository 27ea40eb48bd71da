"""Compare: what the trials of a stage show, and what follows from it."""

from __future__ import annotations

from agent import archive, dossier, stages, trials
from agent.archive import ArchivedStudy
from agent.campaign import StudyFolder
from agent.questions import CodeChange
from agent.stages import Arm
from agent.state import State, Step, Tools
from agent.trials import Planned
from papers import evidence
from papers.evidence import Comparison, Conclusion, Stage
from templates.idea import Idea
from templates.template import Template
from templates.trial import Trial


def compare(state: State, tools: Tools) -> State:
    study, template, stage = tools.study(state), tools.template(state), Stage(state["stage"])
    idea, change = Idea.load(study.idea), CodeChange.load(study.change(state["variant"]))
    study.comparisons.mkdir(exist_ok=True)
    found = [compare_arm(tools, study, template, stage, arm) for arm in stages.arms(stage, state["variant"], change)]
    if stage is Stage.ablation:
        tools.report(Step("compare", state["number"], f"ablation: {len(found)} changes taken back one at a time"))
        return State(stage="", compared=True)
    headline = found[0]
    conclusion = concluded(tools, idea, headline, state["number"])
    following = stages.following(stage, headline, idea.prediction, conclusion, len(change.changes))
    if following in (None, Stage.ablation):
        ArchivedStudy(
            number=state["number"],
            template=template.name,
            idea=idea,
            changes=change.changes,
            point=archive.point(template, archive.after(change.changes)),
            conclusion=conclusion,
            reason=stages.reason(stage, headline, conclusion),
            comparison=headline,
        ).save(study.outcome)
    tools.report(
        Step("compare", state["number"], f"{stage}: {described(headline, template)} → {following or conclusion}")
    )
    return State(stage=following.value if following else "", compared=headline is not None)


def compare_arm(tools: Tools, study: StudyFolder, template: Template, stage: Stage, arm: Arm) -> Comparison | None:
    comparison = evidence.compare(
        stage,
        arm.variant,
        arm.reference,
        template.metric.name,
        template.metric.better,
        ran(tools, study, template, stage, arm.variant),
        ran(tools, study, template, stage, arm.reference),
    )
    if comparison is not None:
        name = arm.variant if stage is Stage.ablation else stage.value
        comparison.save(study.comparison(name))
    return comparison


def ran(tools: Tools, study: StudyFolder, template: Template, stage: Stage, variant: str) -> tuple[Trial, ...]:
    """Give the arm's trials of this stage; one whose record was lost since is run again."""
    scale = tools.brief.scale
    return tuple(
        trials.run(tools, study, template, Planned(variant=variant, seed=seed, scale=scale))
        for seed in stages.seeds(stage, template.scales[scale], study.number)
    )


def concluded(tools: Tools, idea: Idea, headline: Comparison | None, number: int) -> Conclusion:
    """Conclude from the headline, its p corrected over all ideas of the campaign that reached a comparison."""
    if headline is None:
        return Conclusion.failed
    earlier = [study.comparison for study in dossier.before(tools.campaign, number).studies]
    corrected = evidence.holm([*(each.p for each in earlier if each is not None), headline.p])
    return evidence.conclude(idea.prediction, headline, corrected[-1])


def described(comparison: Comparison | None, template: Template) -> str:
    if comparison is None:
        return "too few finished trials"
    return (
        f"{template.metric.title} {comparison.difference:+.3g} {template.metric.unit} "
        f"[{comparison.low:.3g}, {comparison.high:.3g}] over {len(comparison.seeds)} seeds"
    )
