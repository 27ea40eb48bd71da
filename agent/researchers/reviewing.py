"""Reviewing: a form filled by a language model, and what a panel concludes told by one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal

from pydantic import create_model

from agent.llm import Message, MisfitError, RefusedError, Request
from agent.prompting import render
from agent.questions import Conclude, Judge
from agent.researchers import reading
from agent.researchers.conversation import converse, fill
from agent.researchers.desk import Desk
from papers.compose import REQUESTS
from reviews import panel
from reviews.document import Document, brief, quote
from reviews.form import Form, Scale
from reviews.injection import cleaned, instructions_to_the_reviewer
from reviews.review import Remark, Review, Verdict
from sandboxes.record import Record

ANSWER_TOKENS = 8_000
NOTES_TOKENS = 4_000
MOST_PLACES = 40
"""Places that a misfit lists."""
MOST_REMARKS = 6
"""Of one kind."""
WARMTHS = (0.3, 0.5, 0.7, 0.9)
"""Temperatures of the reviewers of a panel, so that they differ."""
STANCES = {
    "soundness-first": (
        "You look at soundness first: do design, seeds, statistics and controls carry each claim; what else could "
        "explain the result; does the text say more than its tables."
    ),
    "significance-first": (
        "You look at significance and originality first: does the question matter beyond this one setting; what is "
        "new beside the cited work; what would a reader do differently for having read it."
    ),
    "clarity-first": (
        "You look at clarity first: could a reader of the field repeat the study and follow each argument; is every "
        "term defined, every figure explained, every limit said where the claim is made."
    ),
}
REMEDIES = {
    "per-seed-values": "a table with the value of every seed",
    "robust-statistics": "interquartile means beside the means",
    "secondary-measurements": "all secondary measurements at all stages",
    "sensitivity": "the estimate with each seed left out once",
    "compute-cost": "what a trial of each variant costs",
}
"""What each known remedy adds."""
QUOTATION = re.compile(r"“([^”]+)”|\"([^\"]+)\"")


class Quoted(Record):
    review: int
    """Number of the review, from 1."""
    words: str


class Meta(Record):
    summary: str
    quotes: tuple[Quoted, ...]
    decision: Literal["accept", "reject"]


def judge(desk: Desk, question: Judge) -> Review:
    """Fill the form, and think it over once.

    Raises `MisfitError` when the form is never filled as it must be, and what else the language model raises.
    """
    seen = cleaned(question.document)
    request = asked(desk, question, seen)
    form = blank(question.form)

    def check(filled: Record) -> str:
        return "\n".join(faults(filled.model_dump(), question.form, seen))

    filled = fill(desk.llm, request, form, check)
    with suppress(MisfitError, RefusedError):  # the first answer fits, and stands
        filled = fill(desk.llm, reflecting(request, filled), form, check)
    return review(filled.model_dump(), question, desk.llm.name, seen, parts_read(seen))


def conclude(desk: Desk, question: Conclude) -> Verdict:
    """Conclude by arithmetic, and have the area chair put it in words; those of rules stand where none fit.

    Raises `reviews.panel.NoReviewError` when no review fits the form.
    """
    verdict = panel.conclude(question.document, question.form, question.reviews)
    texts = [told(each) for each in verdict.reviews]
    prompt = render(
        "meta",
        title=cleaned(question.document).title,
        form=question.form,
        reviews=[{"number": number, "text": text} for number, text in enumerate(texts, 1)],
        mean=verdict.mean,
        decision=verdict.decision,
    )
    request = Request(
        purpose="conclude",
        system=render("system"),
        messages=(Message(speaker="user", text=prompt),),
        max_tokens=NOTES_TOKENS,
        temperature=WARMTHS[0],
    )
    try:
        meta = fill(
            desk.llm, request, Meta, lambda filled: "\n".join(ungrounded(filled, verdict, texts, question.form))
        )
    except (MisfitError, RefusedError):
        return verdict
    return verdict.model_copy(update={"summary": meta.summary})


def asked(desk: Desk, question: Judge, seen: Document) -> Request:
    """Ask for the form; the paper is the part that all reviewers of a panel share."""
    long = parts_read(seen) > 1
    text = "\n\n".join(notes(desk, seen)) if long else reading.whole(seen)
    prompt = render(
        "judge",
        form=question.form,
        stance=STANCES.get(question.stance, f"Your stance: {question.stance}."),
        remedies={name: REMEDIES.get(name, name.replace("-", " ")) for name in sorted(REQUESTS)},
    )
    return Request(
        purpose="judge",
        system=render("system"),
        context=render("document", text=text, notes=long, places=seen.places),
        messages=(Message(speaker="user", text=prompt),),
        max_tokens=ANSWER_TOKENS,
        temperature=WARMTHS[question.seed % len(WARMTHS)],
        sample=question.seed,
    )


def reflecting(request: Request, filled: Record) -> Request:
    """Show a reviewer its own review."""
    said = json.dumps(filled.model_dump(mode="json"), ensure_ascii=False)
    more = (Message(speaker="assistant", text=said), Message(speaker="user", text=render("reflect_review")))
    return request.model_copy(update={"purpose": "reflect", "messages": (*request.messages, *more)})


def parts_read(document: Document) -> int:
    """Count the parts that a paper is read in: one when it is read as it is."""
    return 1 if len(reading.whole(document)) <= reading.WHOLE_CHARACTERS else len(reading.parts(document))


def notes(desk: Desk, document: Document) -> Iterator[str]:
    """Have every part of a long paper summarised; the same notes serve every reviewer."""
    parts = reading.parts(document)
    for number, part in enumerate(parts, 1):
        request = Request(
            purpose="summarise",
            system=render("system"),
            messages=(Message(speaker="user", text=render("summarise", number=number, count=len(parts), text=part)),),
            max_tokens=NOTES_TOKENS,
            temperature=WARMTHS[0],
        )
        yield f"Part {number} of {len(parts)}:\n{converse(desk.llm, request, str.strip)}"


def blank(form: Form) -> type[Record]:
    """Make the shape of an answer from a review form: every scale with the scores that it allows."""
    scores: Any = {scale.key: (_scores(scale), ...) for scale in form.scales}
    remarked: Any = create_model("Remarked", __base__=Record, text=str, place=str, remedy=str)
    remarks: Any = tuple.__class_getitem__((remarked, ...))
    return create_model(
        "Review",
        __base__=Record,
        summary=str,
        strengths=remarks,
        weaknesses=remarks,
        questions=remarks,
        limitations=str,
        scores=create_model("Scores", __base__=Record, **scores),
        decision=Literal["accept", "reject"],
    )


def faults(filled: dict[str, Any], form: Form, document: Document) -> Iterator[str]:
    """Name what is wrong with a form whose shape fits."""
    decided = form.decide(filled["scores"]["overall"])
    if filled["decision"] != decided:
        yield (
            f"decision is {filled['decision']}, but overall is {filled['scores']['overall']} and the form accepts from "
            f"{form.accept}: mend the one that is wrong."
        )
    for part in ("summary", "limitations"):
        if not filled[part].strip():
            yield f"{part} is empty: write it."
    for part in ("strengths", "weaknesses", "questions"):
        if len(filled[part]) > MOST_REMARKS:
            yield f"{part} has {len(filled[part])} remarks: keep the {MOST_REMARKS} that weigh most."
        for remark in filled[part]:
            yield from _remark_faults(part, remark, document)


def review(filled: dict[str, Any], question: Judge, name: str, seen: Document, parts: int) -> Review:
    """Make a review of a filled form; what a paper says to its reviewers is told, whoever reads it."""
    remarks = {
        part: tuple(
            Remark(text=each["text"], place=place(each["place"], seen), remedy=each["remedy"]) for each in filled[part]
        )
        for part in ("strengths", "weaknesses", "questions")
    }
    spoken = tuple(Remark(text=each.text, place=each.place) for each in instructions_to_the_reviewer(question.document))
    size = f" The paper is long, so this review was written from notes on its {parts} parts." if parts > 1 else ""
    return Review(
        form=question.form.name,
        reviewer=f"{name} (seed {question.seed})",
        stance=question.stance,
        summary=filled["summary"].strip() + size,
        strengths=remarks["strengths"],
        weaknesses=(*spoken, *remarks["weaknesses"]),
        questions=remarks["questions"],
        limitations=filled["limitations"],
        scores=filled["scores"],
        decision=filled["decision"],
    )


def place(given: str, document: Document) -> str:
    """Take a place as it was meant: a sentence of the paper needs no quotation marks to be one."""
    bare = given.strip().strip('“”"')
    meant = (given.strip(), bare, quote(bare))
    return next((each for each in meant if document.has(each)), given)


def told(each: Review) -> str:
    """Write a review out."""
    lines = [
        f"{each.reviewer}, {each.stance}. Scores: {', '.join(f'{key} {score}' for key, score in each.scores.items())}.",
        f"Summary: {each.summary}",
    ]
    for part in ("strengths", "weaknesses", "questions"):
        lines += [
            f"{part.removesuffix('s')}: {remark.text} (at {brief(remark.place)})" for remark in getattr(each, part)
        ]
    return "\n".join([*lines, f"Limitations: {each.limitations}"])


def ungrounded(meta: Meta, verdict: Verdict, texts: list[str], form: Form) -> Iterator[str]:
    """Name what a meta-review says that neither the reviews nor the rule say."""
    if meta.decision != verdict.decision:
        yield f"The rule says {verdict.decision}, and the decision here is {meta.decision}: the rule holds."
    if not meta.quotes:
        yield "It quotes no review: quote at least one, word for word."
    numbered = dict(enumerate(texts, 1))
    listed = [(each.words, [numbered.get(each.review, "")]) for each in meta.quotes]
    quoted = [(found[1] or found[2], texts) for found in QUOTATION.finditer(meta.summary)]
    for words, sources in (*listed, *quoted):
        if not any(_single(words) in _single(text) for text in sources):
            yield f"“{words}” does not stand in the review that it is ascribed to: quote word for word."
    said = " ".join((*texts, f"{verdict.mean:.1f} {verdict.mean:.2f} {form.accept} {form.overall.high} {len(texts)}"))
    said += f" {verdict.spread:.1f} {verdict.spread:.2f}" if verdict.spread is not None else ""
    known = set(re.findall(r"\d+(?:\.\d+)?", said))
    for number in sorted(set(re.findall(r"\d+(?:\.\d+)?", meta.summary)) - known):
        yield f"The number {number} stands in no review: leave it out."


def _single(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".,;")


def _scores(scale: Scale) -> Any:  # noqa: ANN401 (a type that is made at run time)
    return Literal.__getitem__(scale.scores)


def _remark_faults(part: str, remark: dict[str, str], document: Document) -> Iterator[str]:
    if not remark["text"].strip():
        yield f"A remark under {part} is empty: write it, or leave it out."
    if not document.has(place(remark["place"], document)):
        known = "; ".join(document.places[:MOST_PLACES])
        yield f"{part}: “{remark['place']}” is no place in the paper. The places are: {known}; or an exact sentence."
    if remark["remedy"] and remark["remedy"] not in REQUESTS:
        yield f"{part}: there is no remedy {remark['remedy']!r}; the known ones are {', '.join(sorted(REQUESTS))}."
