"""Experiment: run the trials of one stage, each arm on the same seeds."""

from __future__ import annotations

from agent import stages, trials
from agent.questions import CodeChange
from agent.state import State, Step, Tools
from agent.trials import Planned
from papers.evidence import Stage
from templates import source


def experiment(state: State, tools: Tools) -> State:
    study, template, stage = tools.study(state), tools.template(state), Stage(state["stage"])
    change = CodeChange.load(study.change(state["variant"]))
    if stage is Stage.ablation:
        for each in stages.ablations(state["variant"], change):
            without = CodeChange(files=source.apply(template, each.changes), changes=each.changes)
            trials.write_variant(study, template, each.variant, without)
    variants = {
        variant: None
        for arm in stages.arms(stage, state["variant"], change)
        for variant in (arm.reference, arm.variant)
    }
    scale = tools.brief.scale
    plan = tuple(
        Planned(variant=variant, seed=seed, scale=scale)
        for seed in stages.seeds(stage, template.scales[scale], state["number"])
        for variant in variants
    )
    tools.report(Step("experiment", state["number"], f"{stage}: {len(plan)} trials at {scale} scale", 0.0))
    trials.run_all(tools, study, template, plan, f"experiment ({stage})")
    return State()
