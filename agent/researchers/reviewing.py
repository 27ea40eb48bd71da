"""Reviewing: a form filled by a language model, and what a panel concludes told by one.

A reviewer is asked once. To have each review thought over in a second request would cost as much as the review, since
the whole paper goes with it; instead the form asks for the remarks before the scores, its faults are shown back, and
three reviewers look at the paper from different sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
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
from reviews.document import SHORTEST_QUOTE, Document, brief, quote
from reviews.form import Form, Scale
from reviews.injection import cleaned, instructions_to_the_reviewer
from reviews.review import Remark, Review, Verdict
from sandboxes.record import Record

ANSWER_TOKENS = 8_000
NOTES_TOKENS = 4_000
MOST_PLACES = 40
"""Places that a misfit lists."""
LIKE = 0.8
"""Likeness from which on a quotation stands for a sentence, if for no other."""
LONGEST_NAME = 10
"""Words of a place that is named; more are a quotation."""
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
SINGULAR = {"strengths": "strength", "weaknesses": "weakness", "questions": "question"}
PLAIN_MARKS = str.maketrans(
    {"“": '"', "”": '"', "’": "'", "‘": "'", "–": "-", "−": "-", "\u00a0": " ", "`": None, "*": None}
)
QUOTATION = re.compile(r"“([^”]+)”|\"([^\"]+)\"")


class Meta(Record):
    summary: str
    decision: Literal["accept", "reject"]


def judge(desk: Desk, question: Judge) -> Review:
    """Fill the form.

    Raises `MisfitError` when it is never filled as it must be, and what else the language model raises.
    """
    seen = cleaned(question.document)

    def check(filled: Record) -> str:
        return "\n".join(faults(filled.model_dump(), seen))

    filled = fill(desk.llm, asked(desk, question, seen), blank(question.form), check)
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
    title = cleaned(question.document).title
    try:
        meta = fill(
            desk.llm,
            request,
            Meta,
            lambda filled: "\n".join(ungrounded(filled, verdict, [title, *texts], question.form)),
        )
    except (MisfitError, RefusedError):
        return verdict
    return verdict.model_copy(update={"summary": meta.summary})


def asked(desk: Desk, question: Judge, seen: Document) -> Request:
    """Ask for the form; the form and the paper are what all reviewers of a panel share."""
    long = parts_read(seen) > 1
    text = "\n\n".join(notes(desk, seen)) if long else reading.whole(seen)
    prompt = render(
        "judge",
        form=question.form,
        stance=STANCES.get(question.stance, f"Your stance: {question.stance}."),
    )
    context = render(
        "document",
        form=question.form,
        remedies={name: REMEDIES.get(name, name.replace("-", " ")) for name in sorted(REQUESTS)},
        text=text,
        notes=long,
        places=seen.places,
    )
    return Request(
        purpose="judge",
        system=render("system"),
        context=context,
        messages=(Message(speaker="user", text=prompt),),
        max_tokens=ANSWER_TOKENS,
        temperature=WARMTHS[question.seed % len(WARMTHS)],
        sample=question.seed,
    )


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
    )


def faults(filled: dict[str, Any], document: Document) -> Iterator[str]:
    """Name what is wrong with a form whose shape fits."""
    for part in ("summary", "limitations"):
        if not filled[part].strip():
            yield f"{part} is empty: write it."
    for part in ("strengths", "weaknesses", "questions"):
        for each in filled[part][:MOST_REMARKS]:
            if each["text"].strip() and not document.has(place(each["place"], document)):
                known = "; ".join(document.places[:MOST_PLACES])
                yield (
                    f"{part}: “{each['place']}” is no place in the paper. The places are: {known}; or one of its "
                    f"sentences, word for word."
                )


def review(filled: dict[str, Any], question: Judge, name: str, seen: Document, parts: int) -> Review:
    """Make a review of a filled form; what a paper says to its reviewers is told, whoever reads it."""
    remarks = {part: tuple(remarked(filled[part], seen)) for part in ("strengths", "weaknesses", "questions")}
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
        decision=question.form.decide(filled["scores"]["overall"]),
    )


def remarked(filled: list[dict[str, str]], document: Document) -> Iterator[Remark]:
    """Give the remarks that weigh most; a remedy that nobody can carry out is words, and the remark has those."""
    for each in filled[:MOST_REMARKS]:
        if each["text"].strip():
            wanted = "-".join(re.findall(r"[a-z]+", each["remedy"].lower()))
            remedy = wanted if wanted in REQUESTS else ""
            yield Remark(text=each["text"], place=place(each["place"], document), remedy=remedy)


def place(given: str, document: Document) -> str:
    """Take a place as it was meant: named or quoted nearly as it stands; what cannot be told stays as it is."""
    bare = given.strip().strip("“”\"'`*").strip()
    exact = next((each for each in (given.strip(), bare, quote(bare)) if document.has(each)), "")
    return exact or quoted(bare, document) or named(bare, document) or given


def quoted(words: str, document: Document) -> str:
    """Find the sentence that a quotation was taken from: with an omission, other quotation marks, a word changed."""
    parts = [_single(part) for part in re.split(r"\.\.\.|…", words) if part.strip()]
    if not parts or sum(map(len, parts)) < SHORTEST_QUOTE:
        return ""
    holding = [each for each in document.sentences if all(part in _single(each) for part in parts)]
    found = {_single(each): each for each in holding} or _alike(_single(words), document)
    return quote(next(iter(found.values()))) if len(found) == 1 else ""


def _alike(words: str, document: Document) -> dict[str, str]:
    """Give the sentences that differ from `words` by little."""
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(words)
    found: dict[str, str] = {}
    for each in document.sentences:
        matcher.set_seq1(_single(each))
        if matcher.real_quick_ratio() >= LIKE and matcher.quick_ratio() >= LIKE and matcher.ratio() >= LIKE:
            found[_single(each)] = each
    return found


def named(words: str, document: Document) -> str:
    """Find the place that is named first, whatever stands around its name."""
    said = f" {_words(words)} "
    if len(said.split()) > LONGEST_NAME:
        return ""
    found = [(said.find(f" {_words(each)} "), -len(each), each) for each in document.places]
    return min((each for each in found if each[0] >= 0), default=(0, 0, ""))[2]


def _words(text: str) -> str:
    """Give the words and numbers of a place; a figure may be called a fig."""
    return " ".join(re.sub(r"^fig$", "figure", word) for word in re.findall(r"[a-z]+|\d+", text.lower()))


def told(each: Review) -> str:
    """Write a review out."""
    lines = [
        f"{each.reviewer}, {each.stance}. Scores: {', '.join(f'{key} {score}' for key, score in each.scores.items())}.",
        f"Summary: {each.summary}",
    ]
    for part in ("strengths", "weaknesses", "questions"):
        lines += [f"{SINGULAR[part]}: {remark.text} (at {brief(remark.place)})" for remark in getattr(each, part)]
    return "\n".join([*lines, f"Limitations: {each.limitations}"])


def ungrounded(meta: Meta, verdict: Verdict, texts: list[str], form: Form) -> Iterator[str]:
    """Name what a meta-review says that neither the title and the reviews, `texts`, nor the rule say."""
    if meta.decision != verdict.decision:
        yield f"The rule says {verdict.decision}, and the decision here is {meta.decision}: the rule holds."
    quotations = [found[1] or found[2] for found in QUOTATION.finditer(meta.summary)]
    if not quotations:
        yield "It quotes no review: quote at least one, word for word."
    for words in quotations:
        if not any(_single(words) in _single(text) for text in texts):
            yield f"“{words}” does not stand in any review: quote word for word, or leave the quotation marks out."
    counts = " ".join(map(str, range(len(texts))))
    said = " ".join((*texts, f"{verdict.mean:.1f} {verdict.mean:.2f} {form.accept} {form.overall.high} {counts}"))
    said += f" {verdict.spread:.1f} {verdict.spread:.2f}" if verdict.spread is not None else ""
    known = set(re.findall(r"\d+(?:\.\d+)?", said))
    for number in sorted(set(re.findall(r"\d+(?:\.\d+)?", meta.summary)) - known):
        yield f"The number {number} stands in no review: leave it out."


def _single(text: str) -> str:
    """Give the words of a text, for comparison: in small letters, with plain quotation marks."""
    plain = text.translate(PLAIN_MARKS)
    return " ".join(plain.split()).casefold().strip(".,; ")


def _scores(scale: Scale) -> Any:  # noqa: ANN401 (a type that is made at run time)
    return Literal.__getitem__(scale.scores)
