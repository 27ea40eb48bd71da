"""Draws the metric of every finished trial, seed by seed, from measurements only. Frozen."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

STYLE = {"pdf.fonttype": 42, "font.family": "serif", "font.size": 9}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


def draw(task: dict, path: Path) -> None:
    """Draw one row of points for each variant, and write the points to a CSV file beside the figure."""
    metric, trials = task["metric"], task["trials"]
    variants = sorted({trial["variant"] for trial in trials}, key=lambda name: (name != task["reference"], name))
    figure = Figure(figsize=(3.3, 2.2), layout="constrained")
    FigureCanvasPdf(figure)
    axes = figure.add_subplot()
    for row, variant in enumerate(variants):
        values = [trial["measurements"][metric["name"]] for trial in trials if trial["variant"] == variant]
        axes.plot(values, [row] * len(values), "o", alpha=0.6, color=COLOURS[row % len(COLOURS)])
        axes.plot([sum(values) / len(values)], [row], "k|", markersize=16)
    axes.set_yticks(range(len(variants)), variants)
    axes.set_ylim(-0.6, len(variants) - 0.4)
    axes.set_xlabel(f"{metric['title']} ({metric['unit']})")
    figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})
    with path.with_suffix(".csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["variant", "stage", "seed", metric["name"]])
        rows.writerows([t["variant"], t["stage"], t["seed"], t["measurements"][metric["name"]]] for t in trials)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    task = json.loads(arguments.data.read_text())
    with mpl.rc_context(STYLE):
        draw(task, arguments.out / "seeds")
    caption = f"The {task['metric']['title']} of every trial, one point for each seed; bars mark the means."
    (arguments.out / "figures.json").write_text(json.dumps([{"name": "seeds", "caption": caption}]))


if __name__ == "__main__":
    main()
