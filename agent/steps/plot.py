"""Plot: the template's own figures, drawn from measurements in the sandbox."""

from __future__ import annotations

from pathlib import Path

from agent import dossier, stages
from agent.campaign import StudyFolder
from agent.state import State, Step, Tools
from sandboxes.record import write_atomically
from templates import plotting
from templates.plotting import DrawnFigure, PlottingError
from templates.template import Template
from templates.trial import BASELINE, Trial


def plot(state: State, tools: Tools) -> State:
    study, template = tools.study(state), tools.template(state)
    if not study.drawn.exists():
        reached = [comparison.stage for comparison in dossier.comparisons(study)]
        staged: list[tuple[str, Trial]] = [
            (stages.belongs_to(trial.seed, reached), trial)
            for trial in dossier.trials(tools, study, template)
            if trial.scale == tools.brief.scale and trial.variant in (BASELINE, state["variant"])
        ]
        study.figures.mkdir(exist_ok=True)
        figures = draw(tools, template, state["variant"], staged, study)
        write_atomically(study.drawn, dossier.DRAWN.dump_json(figures, indent=1))
    names = [figure.name for figure in dossier.figures(study, study.figures)]
    tools.report(Step("plot", state["number"], ", ".join(names)))
    return State()


def draw(
    tools: Tools, template: Template, variant: str, staged: list[tuple[str, Trial]], study: StudyFolder
) -> tuple[DrawnFigure, ...]:
    """Draw, or go without figures when the template's plot fails: the tables still tell what was measured.

    Files are named within the folder of figures, wherever that lies.
    """
    try:
        drawn = plotting.draw(tools.sandbox, template, variant, staged, study.figures)
    except PlottingError as error:
        tools.report(Step("plot", study.number, f"no figures: {error}"))
        return ()
    return tuple(each.model_copy(update={"pdf": Path(each.pdf.name), "csv": Path(each.csv.name)}) for each in drawn)
