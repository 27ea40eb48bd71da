"""Walks of small campaigns for tests: the sandbox is scripted, everything else is real."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

from agent import bootstrap, campaign, walk
from agent.campaign import Brief, Campaign
from agent.state import Step
from sandboxes.job import Ending, Job, Outcome, Runtime
from sandboxes.scripted import FINISHED, Scripted
from templates import scaffold

Measure = Callable[[str, int], float | None]
"""What the scorer finds of this code with this seed; None, or a `NameError`, for code that crashes."""

LINE = '{ knob = "step_size", after = "initial * (1 - time / horizon)" }'
BOLDER = '{ knob = "initial", after = 0.9 }'
IDEA = """
[[ideas]]
key = "the-idea"
title = "The idea"
hypothesis = "It helps."
rationale = "It may [@robbins1951]."
changes = [{changes}]
"""


def lower_for_the_line(code: str, seed: int) -> float:
    return (1.0 if "time / horizon" in code else 2.0) + 0.001 * (seed % 7) * len(code) / 4000


def crashing_when_bold(code: str, seed: int) -> float | None:
    return None if "0.9" in code else lower_for_the_line(code, seed)


def acting(measure: Measure, jobs: list[str] | None = None) -> Scripted:
    def run(job: Job) -> Outcome | None:
        if jobs is not None:
            jobs.append(job.argv[1])
        if job.runtime is Runtime.tex:
            (job.outputs / "paper.pdf").write_bytes(b"%PDF-1.5\n%%EOF\n")
            (job.outputs / "paper.log").write_text("Output written on out/paper.pdf (3 pages, 999 bytes).\n")
            (job.outputs / "paper.aux").write_text("\\newlabel{ratchet:main}{{}{2}}\n")
            return None
        places = {mount.target: mount.source for mount in job.mounts}
        if job.argv[1].endswith("plot.py"):
            (job.outputs / "seeds.pdf").write_bytes(b"%PDF-1.5\n%%EOF\n")
            (job.outputs / "seeds.csv").write_text("seed,value\n1,2\n")
            (job.outputs / "figures.json").write_text(json.dumps([{"name": "seeds", "caption": "Values by seed."}]))
        elif "/code" in places:
            seed = json.loads(places["/task/settings.json"].read_text())["seed"]
            try:
                found = measure((places["/code"] / "experiment.py").read_text(), seed)
            except NameError as error:
                (job.logs / "stderr.txt").write_text(f"NameError: {error}\n")
                found = None
            if found is None:
                return FINISHED.model_copy(update={"ending": Ending.crashed, "exit_code": 1})
            (job.outputs / "found.json").write_text(json.dumps(found))
        else:
            found = json.loads((places["/artefacts"] / "found.json").read_text())
            lines = (json.dumps({"name": name, "value": found}) for name in ("log_loss", "mean_log_loss"))
            (job.outputs / "measurements.jsonl").write_text("\n".join(lines) + "\n")
        return None

    return Scripted(run)


def begun(tmp_path: Path, *changes: str, **fields: object) -> Campaign:
    """Begin a campaign whose template suggests one idea that makes these changes."""
    template = scaffold.new("toy", tmp_path / "templates")
    if changes:
        (template / "ideas.toml").write_text(IDEA.replace("{changes}", ", ".join(changes)))
    declared = (template / "template.toml").read_text()
    (template / "template.toml").write_text(declared.replace("confirm = 3", "confirm = 7"))
    brief = {"name": "story", "templates": (str(template),), "scale": "smoke", "workers": 1, **fields}
    return campaign.create(tmp_path / "campaigns", Brief.model_validate(brief))


def go(
    made: Campaign,
    measure: Measure = lower_for_the_line,
    stop_at: str = "",
    jobs: list[str] | None = None,
) -> list[Step]:
    """Walk from wherever the campaign stands, and ask for a stop once the step `stop_at` has ended."""
    steps: list[Step] = []
    stop = threading.Event()

    def report(step: Step) -> None:
        steps.append(step)
        if stop_at and step.name == stop_at and step.done == 1:
            stop.set()

    with bootstrap.tools(made, campaign.read_brief(made), report, stop, acting(measure, jobs)) as tools:
        walk.walk(tools)
    return steps
