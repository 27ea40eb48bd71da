"""Draw a variant against the reference, from measurements alone: seed by seed, and along the cover text."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from scipy.special import stdtrit

STYLE: Any = {
    "pdf.fonttype": 42,
    "font.family": "serif",
    "font.serif": ["STIXGeneral"],
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
INKS = ("#0072B2", "#D55E00")
"""Reference and variant, from the palette of Okabe and Ito."""
MARKS = ("o", "s")
COURSE = ("message_entropy", "open_after_1_4", "open_after_2_4", "open_after_3_4")
"""What is open before the cover and after each quarter; the metric comes last."""
STAGES = ("confirm", "full", "pilot", "ablation")
"""The strongest that was run is drawn."""

Row = tuple[str, str, float, float | str, float | str]
"""Kind, variant, place, value or mean, half width of the interval."""


class Arm(NamedTuple):
    """One variant's measurements by seed."""

    variant: str
    by_seed: dict[int, dict[str, float]]

    def values(self, name: str, seeds: Sequence[int]) -> list[float]:
        return [self.by_seed[seed][name] for seed in seeds]


class Interval(NamedTuple):
    mean: float
    half: float
    """Half width at 95 %, zero for a single value."""


def interval(values: Sequence[float]) -> Interval:
    """Give the mean and its Student-t interval."""
    sample = np.array(values)
    if sample.size < 2:
        return Interval(float(sample.mean()), 0.0)
    error = sample.std(ddof=1) / np.sqrt(sample.size)
    return Interval(float(sample.mean()), float(stdtrit(sample.size - 1, 0.975) * error))


def arms(task: dict[str, Any]) -> list[Arm]:
    """Gather the reference, if it was run, and the variant, at the strongest stage of the variant."""
    stages = {trial["stage"] for trial in task["trials"] if trial["variant"] == task["variant"]}
    stage = next((name for name in STAGES if name in stages), None)
    found = []
    for variant in dict.fromkeys((task.get("reference", "baseline"), task["variant"])):
        own = [trial for trial in task["trials"] if trial["variant"] == variant]
        at_stage = [trial for trial in own if trial["stage"] == stage] or own
        if at_stage:
            found.append(Arm(variant, {trial["seed"]: trial["measurements"] for trial in at_stage}))
    return found


def seeds_of(both: Sequence[Arm]) -> list[int]:
    """List the seeds that every arm has."""
    return sorted(set.intersection(*(set(arm.by_seed) for arm in both)))


def paired(axes: Axes, both: Sequence[Arm], metric: dict[str, Any]) -> list[Row]:
    """Draw a line per seed from the reference to the variant, with means and intervals beside."""
    seeds, rows = seeds_of(both), list[Row]()
    table = np.array([arm.values(metric["name"], seeds) for arm in both])
    axes.plot(range(len(both)), table, color="0.7", linewidth=0.7, zorder=1)
    for place, (arm, values) in enumerate(zip(both, table, strict=True)):
        mean = interval(values.tolist())
        axes.scatter([place] * len(seeds), values, s=9, color=INKS[place], marker=MARKS[place], zorder=2)
        side = place + (0.14 if place else -0.14)
        axes.errorbar(side, mean.mean, mean.half, fmt=MARKS[place], color=INKS[place], capsize=3, markersize=4)
        rows += [("seed", arm.variant, seed, value, "") for seed, value in zip(seeds, values.tolist(), strict=True)]
        rows.append(("mean", arm.variant, place, mean.mean, mean.half))
    axes.set_xticks(range(len(both)), [arm.variant for arm in both])
    axes.set_xlim(-0.5, len(both) - 0.5)
    axes.set_ylabel(f"{metric['title']} ({metric['unit']})")
    return rows


def course(axes: Axes, both: Sequence[Arm], metric: dict[str, Any]) -> list[Row]:
    """Draw what is still open of the message as the cover text is read."""
    seeds, rows = seeds_of(both), list[Row]()
    shares = np.linspace(0, 1, len(COURSE) + 1).tolist()
    for place, arm in enumerate(both):
        means = [interval(arm.values(name, seeds)) for name in (*COURSE, metric["name"])]
        axes.errorbar(
            shares,
            [mean.mean for mean in means],
            [mean.half for mean in means],
            fmt=f"{MARKS[place]}{'-' if place else '--'}",
            color=INKS[place],
            capsize=2,
            markersize=4,
            linewidth=1,
            label=arm.variant,
        )
        rows += [("mean", arm.variant, share, *mean) for share, mean in zip(shares, means, strict=True)]
    axes.set_xlabel("share of the cover text read")
    axes.set_ylabel(f"message entropy open ({metric['unit']})")
    axes.set_xticks(shares)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return rows


def save(figure: Figure, rows: Sequence[Row], path: Path, header: Sequence[str]) -> None:
    figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def canvas() -> tuple[Figure, Axes]:
    """Open a figure of column width."""
    figure = Figure(figsize=(3.3, 2.4), layout="constrained")
    FigureCanvasPdf(figure)
    return figure, figure.add_subplot()


def captions(metric: dict[str, Any], both: Sequence[Arm]) -> list[dict[str, str]]:
    """Say what each figure shows, and no result."""
    names, title = " and ".join(arm.variant for arm in both), metric["title"]
    return [
        {
            "name": "paired",
            "caption": f"The {title} under {names}. Thin lines join trials of the same seed, which share message "
            "source and cover; the larger marks beside them are means over seeds with Student-t intervals.",
        },
        {
            "name": "course",
            "caption": f"What remains open of the message while the cover text is read, under {names}: means over "
            f"seeds with Student-t intervals. The last point is the {title}.",
        },
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw what was measured.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    task = json.loads(arguments.data.read_text())
    metric, both = task["metric"], arms(task)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, draw, place in (("paired", paired, "seed_or_place"), ("course", course, "share_of_cover")):
            figure, axes = canvas()
            rows = draw(axes, both, metric)
            save(figure, rows, arguments.out / name, ("kind", "variant", place, "value", "interval_half_width"))
    (arguments.out / "figures.json").write_text(json.dumps(captions(metric, both), indent=2))


if __name__ == "__main__":
    main()
