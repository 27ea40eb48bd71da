"""The scorer: replays the descent from the step sizes alone, so that a claimed result counts for nothing. Frozen."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
from problem import Problem

TAMPERED = 3


def read_sizes(path: Path, steps: int) -> np.ndarray:
    """Read the step sizes [steps]; whatever no honest run writes ends the scoring."""
    if not path.is_file():
        sys.exit("The experiment left no sizes.json.")
    sizes = json.loads(path.read_text())
    honest = isinstance(sizes, list) and len(sizes) == steps and all(type(size) is float for size in sizes)
    if not honest:
        print(f"sizes.json does not hold {steps} step sizes: more or fewer gradients were used.", file=sys.stderr)
        sys.exit(TAMPERED)
    return np.array(sizes)


def replay(problem: Problem, sizes: np.ndarray) -> list[float]:
    """Take the steps again and return the exact loss before the first and after each."""
    point = problem.start
    losses = [problem.loss(point)]
    for size in sizes:
        point = point - size * problem.gradient(point)
        losses.append(problem.loss(point))
    return losses


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--artefacts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    task = json.loads(arguments.settings.read_text())
    settings = task["settings"]
    sizes = read_sizes(arguments.artefacts / "sizes.json", settings["steps"])
    losses = replay(Problem(task["seed"], settings["dimension"], settings["noise"]), sizes)
    if not all(0 < loss < math.inf for loss in losses):
        sys.exit("The descent diverged: its loss is not finite.")
    decades = [math.log10(loss / losses[0]) for loss in losses]
    measured = {"log_loss": decades[-1], "mean_log_loss": sum(decades[1:]) / len(sizes)}
    lines = (json.dumps({"name": name, "value": value}) for name, value in measured.items())
    (arguments.out / "measurements.jsonl").write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
