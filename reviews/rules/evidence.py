"""Evidence: whether the headline rests on enough, and is told so that a reader can weigh it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviews import quantities
from reviews.document import ABSTRACT, TITLE, Document, quote
from reviews.finding import Finding, Rule, decisive, question, strength, weakness
from reviews.headline import LEVEL, headline, seeds

FEW, ADEQUATE = 5, 8
"""Seeds: under the first an interval is mostly guesswork, from the second on it is not."""

CORRECTION = r"\b(holm|bonferroni|benjamini|hochberg|false discovery|šidák|sidak)\b"
ROBUST = r"\b(iqm|interquartile|trimmed mean|median)\b"
LEFT_OUT = r"leav(?:e|ing)[- ](?:out )?(?:one|each|every)|seed (?:is |was )?left out|without any one seed|jackknife"
IDEAS = re.compile(
    rf"\b(\d+|{'|'.join(quantities.COUNTS[1:])}) (?:\w+ )?(?:ideas|variants|changes|hypotheses|configurations) "
    r"(?:\w+ ){0,3}?(?:tried|tested|compared|evaluated|examined)",
    re.IGNORECASE,
)

FRESH = r"\b(fresh|held-out|unseen|new|separate) (?:\w+ )?seeds|seeds that (?:had )?played no part"
"""Seeds that had no say in choosing what they judge."""
DENIED = re.compile(r"\b(?:not|never|without|neither)\b", re.IGNORECASE)


def headline_in_the_abstract(document: Document) -> Iterator[Finding]:
    stated = next((s for s in document.abstract if quantities.interval(s)), None)
    if stated:
        bounds = quantities.interval(stated)
        printed = bounds.text if bounds else ""
        text = f"The abstract gives its result with the interval {printed}, so that a reader can weigh it at once."
        yield strength("soundness", 1, quote(stated), text)
    elif document.abstract:
        found = headline(document)
        known = f", although the paper has {found.interval.text}" if found else ""
        text = f"The abstract of “{document.title}” states no effect with an interval{known}."
        yield weakness("soundness", 1.5, ABSTRACT, text)


def n_in_the_abstract(document: Document) -> Iterator[Finding]:
    if document.abstract and not any(map(quantities.seeds, document.abstract)):
        n = seeds(document)
        known = f"; the body says {n}" if n else ""
        yield weakness("soundness", 1, ABSTRACT, f"The abstract does not say on how many seeds it rests{known}.")


def number_of_seeds(document: Document) -> Iterator[Finding]:
    n = seeds(document)
    place = _where_counted(document, n)
    if n is None and not (document.tables or document.section("result", "experiment", "evaluation")):
        return
    if n is None:
        text = f"Nothing in “{document.title}” says how many seeds or runs were made, so chance cannot be ruled out."
        yield decisive("soundness", document.place("result", "experiment", "set-up"), text)
    elif n == 1:
        yield decisive("soundness", place, "The result rests on one seed, which cannot show more than chance.")
    elif n < FEW and not on_fresh_seeds(document):
        text = (
            f"The result rests on {n} seeds and was not repeated on fresh ones; at least {FEW} are needed to judge it."
        )
        yield decisive("soundness", place, text)
    elif n < FEW:
        text = f"With n = {n} the interval hangs on each single seed; at least {FEW} are needed to see its width."
        yield weakness("soundness", 2, place, text)
    elif n >= ADEQUATE:
        yield strength("soundness", 1, place, f"The headline rests on {n} paired seeds or runs.")


def on_fresh_seeds(document: Document) -> str | None:
    """Find the sentence that says so; one that denies it does not."""
    return next((s for s in document.matching(FRESH) if not DENIED.search(s)), None)


def correction_for_many_ideas(document: Document) -> Iterator[Finding]:
    with_p = next((s for s in document.sentences if quantities.p_value(s)), None)
    corrected = document.first(CORRECTION)
    tried = next(filter(None, map(IDEAS.search, document.sentences)), None)
    if with_p and corrected:
        name = re.search(CORRECTION, corrected, re.IGNORECASE)
        text = f"P-values are corrected for the number of ideas tried ({name[1] if name else ''})."
        yield strength("soundness", 1, quote(corrected), text)
    elif with_p and tried:
        p = quantities.p_value(with_p)
        text = f"The p of {p.text if p else ''} is not corrected, although the paper says “{tried.group()}”."
        yield weakness("soundness", 1.5, quote(with_p), text)
    elif with_p:
        text = "How many ideas were tried before this one, and would the p-value survive a correction for them?"
        yield question("soundness", 1, quote(with_p), text)


def confirmation_on_fresh_seeds(document: Document) -> Iterator[Finding]:
    found = on_fresh_seeds(document)
    if found:
        text = "The headline comes from seeds that played no part in choosing the variant."
        yield strength("soundness", 1.5, quote(found), text)
    elif headline(document):
        text = "As far as the text says, the variant was judged on the seeds that it was chosen on."
        yield weakness("soundness", 1.5, document.place("result"), text)


def robust_statistics(document: Document) -> Iterator[Finding]:
    found = headline(document)
    if found and not document.mentions(ROBUST):
        text = f"The mean effect ({found.text}) is not backed by a statistic that outliers cannot move, such as an IQM."
        yield weakness("soundness", 0.5, found.place, text, "robust-statistics")


def sensitivity_to_single_seeds(document: Document) -> Iterator[Finding]:
    found, n = headline(document), seeds(document)
    if not found or document.mentions(LEFT_OUT):
        return
    nearest = min(abs(found.interval.low.value), abs(found.interval.high.value))
    if nearest < found.interval.width / 2:
        text = f"The interval {found.interval.text} ends near zero or holds it; one seed may turn the reading."
        yield weakness("soundness", 1, found.place, text, "sensitivity")
    elif n is not None and n < ADEQUATE:
        text = f"With n = {n}, the effect without each seed in turn should be shown."
        yield weakness("soundness", 0.5, found.place, text, "sensitivity")


def p_agrees_with_interval(document: Document) -> Iterator[Finding]:
    found = headline(document)
    if found and found.p and found.spans_zero == (found.p.value < LEVEL):
        side = "holds zero" if found.spans_zero else "excludes zero"
        text = (
            f"The interval {found.interval.text} {side} while p is {found.p.text}: which of the two is to be believed?"
        )
        yield question("soundness", 1, found.place, text)


def _where_counted(document: Document, n: int | None) -> str:
    sentence = next((s for s in document.sentences if n in quantities.seeds(s)), None)
    if sentence:
        return quote(sentence)
    grid = next((grid for grid in document.tables if n in quantities.seeds(grid.text)), None)
    return grid.label if grid else TITLE


RULES: tuple[Rule, ...] = (
    headline_in_the_abstract,
    n_in_the_abstract,
    number_of_seeds,
    correction_for_many_ideas,
    confirmation_on_fresh_seeds,
    robust_statistics,
    sensitivity_to_single_seeds,
    p_agrees_with_interval,
)
