"""Plot: the template's own figures, drawn from measurements in the sandbox."""

from __future__ import annotations

from pydantic import TypeAdapter
from templates.plotting import DrawnFigure

from agent import dossier, stages
from agent.state import State, Step, Tools
from sandboxes.record import write_atomically
from templates import plotting
from templates.trial import BASELINE


def plot(state: State, tools: Tools) -> State:
    study, template = tools.study(state), tools.template(state)
    drawn = study.figures / "drawn.json"
    if not drawn.exists():
        reached = [comparison.stage for comparison in dossier.comparisons(study)]
        staged = [
            (stages.belongs_to(trial.seed, reached), trial)
            for trial in dossier.trials(tools, study, template)
            if trial.scale == tools.brief.scale and trial.variant in (BASELINE, state["variant"])
        ]
        figures = plotting.draw(tools.sandbox, template, state["variant"], staged, study.figures)
        write_atomically(drawn, TypeAdapter(tuple[DrawnFigure, ...]).dump_json(figures, indent=1))
    tools.report(Step("plot", state["number"], ", ".join(figure.name for figure in dossier.figures(study))))
    return State()
