"""The report: a verdict as a person reads it, in Markdown."""

from __future__ import annotations

import html
from collections.abc import Iterator

from reviews import form as forms
from reviews.document import Document, brief
from reviews.review import Remark, Verdict


def markdown(verdict: Verdict, document: Document) -> str:
    """Write the verdict out: scores with their anchors, remarks with their places, the meta-review, the notice."""
    return "\n".join((*_head(verdict, document), *_reviews(verdict), *_foot(verdict)))


def _head(verdict: Verdict, document: Document) -> Iterator[str]:
    form = forms.load(verdict.form)
    spread = "" if verdict.spread is None else f", standard deviation {verdict.spread:.1f}"
    yield f"# Review of “{_safe(document.title)}”\n"
    yield f"> {verdict.notice}\n"
    yield f"**{verdict.decision.capitalize()}**: mean {verdict.mean:.1f} of {form.overall.high}{spread}"
    yield f"({form.title}; accepts from {form.accept}). Calibration: {verdict.calibration}.\n"
    yield f"## Meta-review\n\n{_safe(verdict.summary)}\n"
    yield "## Scores\n"
    yield f"| | {' | '.join(each.stance for each in verdict.reviews)} | question |"
    yield f"|---|{'---|' * len(verdict.reviews)}---|"
    for scale in form.scales:
        cells = (f"{each.scores[scale.key]}: {scale.anchors[each.scores[scale.key]]}" for each in verdict.reviews)
        yield f"| {scale.key} ({scale.low}–{scale.high}) | {' | '.join(cells)} | {scale.question} |"


def _reviews(verdict: Verdict) -> Iterator[str]:
    for number, each in enumerate(verdict.reviews, start=1):
        yield f"\n## Review {number}: {each.stance}, {each.reviewer}\n\n{_safe(each.summary)}"
        yield from _part("Strengths", each.strengths)
        yield from _part("Weaknesses", each.weaknesses)
        yield from _part("Questions", each.questions)
        yield f"\n### Limitations\n\n{_safe(each.limitations)}"


def _part(title: str, remarks: tuple[Remark, ...]) -> Iterator[str]:
    yield f"\n### {title}\n"
    if not remarks:
        yield "None was found."
    for number, remark in enumerate(remarks, start=1):
        asked = f" (asks for: {remark.remedy})" if remark.remedy else ""
        yield f"{number}. {_safe(remark.text)}{asked} *At {_safe(brief(remark.place))}*"


def _foot(verdict: Verdict) -> Iterator[str]:
    yield "\n---\n"
    yield f"Reviews that did not fit the form and were not scored: {verdict.unscored}."
    yield from (f"- {_safe(fault)}" for fault in verdict.faults)
    yield f"Remarks left out because their place is not in the paper: {verdict.dropped}.\n"
    yield f"{verdict.notice}\n"


def _safe(text: str) -> str:
    """Keep a paper's words from acting as HTML, links or images."""
    return html.escape(text, quote=False).replace("](", "]&#40;").replace("\n", " ")
