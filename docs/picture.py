"""Draw the README's picture: the state machine beside the first page of a paper that it wrote.

python docs/picture.py campaigns/demo/studies/001-merge/paper/paper.pdf
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

STEPS = {
    "propose": ("an idea, its prediction on disk first", 10),
    "survey": ("what is known; the known goes no further", 9),
    "implement": ("a code diff", 8),
    "rehearse": ("does it run? repaired, or given up", 7),
    "experiment": ("sandboxed trials on paired seeds", 6),
    "compare": ("pilot, full, confirmed on fresh seeds, ablated", 5),
    "plot": ("figures from measurements only", 4),
    "write": ("every number is a fact's key", 3),
    "press": ("gates, then LaTeX in the sandbox", 2),
    "review": ("a panel fills the form", 1),
    "archive": ("kept, whatever came out; next study", 0),
}
LOOPS = (
    ("rehearse", "implement", "repair"),
    ("compare", "experiment", "more seeds"),
    ("press", "write", "fix"),
    ("review", "write", "revise"),
    ("archive", "propose", "next study"),
)
INK, FAINT, FILL = "#1F4E79", "#6B6B6B", "#EEF3F8"
PLATE = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}


def machine(axes: Axes) -> None:
    """Draw the steps from top to bottom, and the edges that lead back."""
    axes.set_xlim(-2.2, 5.6)
    axes.set_ylim(-0.6, 10.6)
    axes.axis("off")
    for name, (text, y) in STEPS.items():
        box = FancyBboxPatch((0, y - 0.28), 1.5, 0.56, boxstyle="round,pad=0.04", facecolor=FILL, edgecolor=INK)
        axes.add_patch(box)
        axes.text(0.75, y, name, ha="center", va="center", fontsize=10, color=INK, family="monospace")
        axes.text(1.75, y, text, ha="left", va="center", fontsize=9.5, color="#222222")
        if y:
            axes.add_patch(arrow((0.75, y - 0.32), (0.75, y - 0.68), 0.0))
    for start, end, label in LOOPS:
        top, bottom = STEPS[end][1], STEPS[start][1]
        bend = 0.32 if start == "archive" else 0.5
        axes.add_patch(arrow((-0.06, bottom), (-0.06, top), -bend))
        bow = 0.39 * bend * (top - bottom)
        height = (top + bottom) / 2 - (0.45 if label == "revise" else 0)
        axes.text(-0.14 - bow, height, label, ha="right", va="center", fontsize=9, color=FAINT, bbox=PLATE)


def arrow(start: tuple[float, float], end: tuple[float, float], bend: float) -> FancyArrowPatch:
    return FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=10, color=INK, linewidth=1, connectionstyle=f"arc3,rad={bend}"
    )


def first_page(pdf: Path, folder: Path) -> Path:
    subprocess.run(["pdftoppm", "-r", "110", "-png", "-singlefile", pdf, folder / "page"], check=True)
    return folder / "page.png"


def main() -> None:
    figure = Figure(figsize=(12, 7.2), dpi=110)
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    machine(left)
    with tempfile.TemporaryDirectory() as folder:
        right.imshow(imread(first_page(Path(sys.argv[1]), Path(folder))))
    right.set_xticks([])
    right.set_yticks([])
    figure.subplots_adjust(left=0.01, right=0.99, top=0.99, bottom=0.01, wspace=0.02)
    figure.savefig(Path(__file__).with_suffix(".png"))


if __name__ == "__main__":
    main()
