"""A review: a form filled for one paper; a verdict: what a panel of reviews concludes."""

from __future__ import annotations

from typing import Literal

from sandboxes.record import Record


class Remark(Record):
    """A strength, weakness or question, and the place in the paper that it is about."""

    text: str
    place: str
    """A section title, `Figure 1`, `Table 2`, or a quoted sentence; it exists in the paper."""
    remedy: str = ""
    """For a weakness that a revision could mend: the name of the mend, from the checklist."""


class Review(Record):
    form: str
    reviewer: str
    stance: str
    summary: str
    strengths: tuple[Remark, ...]
    weaknesses: tuple[Remark, ...]
    questions: tuple[Remark, ...]
    limitations: str
    scores: dict[str, int]
    """Dimension of the form to score on its scale, `overall` and `confidence` included."""
    decision: Literal["accept", "reject"]


class Verdict(Record):
    """What the panel concludes."""

    form: str
    reviews: tuple[Review, ...]
    unscored: int = 0
    """Reviews that did not fit the form; not counted as rejections."""
    mean: float
    spread: float | None
    """Standard deviation (ddof 1) of the overall scores; None for one review."""
    decision: Literal["accept", "reject"]
    summary: str
    dropped: int = 0
    """Remarks left out because the place that they are about does not exist in the paper."""
    faults: tuple[str, ...] = ()
    """Why each unscored review does not fit the form."""
    calibration: str
    """What is known of how this panel's scores relate to human decisions, in one line."""
    notice: str = "Internal review by an automatic panel; not for use as a conference review."
