"""Stochastic gradient descent with a step size that follows a rule. This is the file that a study may change."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, fields
from pathlib import Path

from numpy import minimum, sqrt  # noqa: F401 — what `step_size` may use
from problem import Problem


@dataclass(frozen=True)
class Config:
    dimension: int = 20
    """Coordinates of the problem; set by the scale."""
    steps: int = 2000
    """Gradients that may be used; set by the scale."""
    noise: float = 0.5
    """Standard deviation of a gradient's noise, per coordinate; set by the scale."""
    initial: float = 0.3
    """The first step size."""


def step_size(initial: float, time: float, horizon: float) -> float:  # noqa: ARG001 — a rule need not use every input
    """Give the size of the step at `time`, counted from 0, of `horizon` steps."""
    return initial / sqrt(1 + time)


def descend(config: Config, seed: int) -> list[float]:
    """Run the descent and return the sizes of the steps taken."""
    problem = Problem(seed, config.dimension, config.noise)
    point, sizes = problem.start, []
    for time in range(config.steps):
        size = float(step_size(config.initial, float(time), float(config.steps)))
        point = point - size * problem.gradient(point)
        sizes.append(size)
    print(f"loss {problem.loss(problem.start):.4g} -> {problem.loss(point):.4g}")
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    task = json.loads(arguments.settings.read_text())
    known = {field.name for field in fields(Config)}
    config = Config(**{name: value for name, value in task["settings"].items() if name in known})
    (arguments.out / "sizes.json").write_text(json.dumps(descend(config, task["seed"])))


if __name__ == "__main__":
    main()
