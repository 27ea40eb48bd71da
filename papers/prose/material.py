"""The material of a paper: a study, its facts and what others say, with the marks to speak of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from papers.byline import Byline
from papers.evidence import ALPHA, Comparison, Stage
from papers.facts import Fact, arm, headline
from papers.outside import Outside
from papers.quotation import spelling
from papers.study import PastStudy, Study
from templates.template import Scale, SecondaryMeasurement
from templates.trial import scale_of

SHOWN_DIGITS = 2
"""Significant digits of an interval's half-width that a paper prints."""
MOST_DECIMALS = 6
WIDE = 0.25
"""An interval whose half is a larger share of the effect leaves its size uncertain."""


@dataclass(frozen=True)
class Material:
    study: Study
    facts: dict[str, Fact]
    outside: Outside
    byline: Byline | None = None

    def said(self, who: str) -> str:
        """Quote an outside text."""
        return self.outside.said[who].text

    def metric(self) -> str:
        """Name the metric."""
        return self.said("metric.title")

    def unit(self) -> str:
        """Name the metric's unit, with a space before it; empty when it has none."""
        return f" {self.said('metric.unit')}".rstrip()

    def scale(self) -> Scale:
        """Give the scale that every trial ran at."""
        return scale_of(self.study.template, self.study.scale)

    def headline(self) -> Comparison | None:
        """Give the comparison that carries the claim."""
        return headline(self.study)

    def stages(self) -> dict[Stage, Comparison]:
        """Give the comparisons against the baseline in the order they were made."""
        staged = {found.stage: found for found in self.study.comparisons if found.stage is not Stage.ablation}
        return {stage: staged[stage] for stage in Stage if stage in staged}

    def fresh(self) -> bool:
        """Tell whether there is a confirmation, on seeds that no earlier stage had used."""
        stages = self.stages()
        earlier = {seed for stage, found in stages.items() if stage is not Stage.confirm for seed in found.seeds}
        return Stage.confirm in stages and earlier.isdisjoint(stages[Stage.confirm].seeds)

    def ablations(self) -> tuple[Comparison, ...]:
        """Give the comparisons that turn back one change each."""
        return tuple(found for found in self.study.comparisons if found.stage is Stage.ablation)

    def value(self, key: str) -> float:
        """Give the value of a fact."""
        return self.facts[key].value

    def settled(self, name: str) -> bool:
        """Tell whether an arm's interval excludes zero."""
        return self.value(f"{name}.low") > 0 or self.value(f"{name}.high") < 0

    def secondary(self, name: str) -> SecondaryMeasurement:
        """Give the declaration of a secondary measurement."""
        return next(each for each in self.study.template.secondary if each.name == name)

    def past(self, slug: str) -> PastStudy | None:
        """Find an earlier study of the campaign by its slug."""
        found = (past for past in self.study.tried if past.slug == slug and past.number != self.study.number)
        return next(found, None)

    def decimals(self, name: str) -> int:
        """Choose how many decimals the numbers of an arm are printed with: as many as its interval justifies."""
        low, high, difference = (self.value(f"{name}.{end}") for end in ("low", "high", "difference"))
        sizes = [size for size in ((high - low) / 2, abs(difference)) if size > 0]
        if not sizes:
            return SHOWN_DIGITS
        wanted = max(SHOWN_DIGITS - 1 - math.floor(math.log10(sizes[0])), -math.floor(math.log10(sizes[-1])))
        return min(max(wanted, 0), MOST_DECIMALS)

    def of(self, name: str, what: str) -> str:
        """Mark a number of an arm in the arm's precision."""
        return self.shown(f"{name}.{what}", self.decimals(name))

    def shown(self, key: str, decimals: int) -> str:
        """Mark a number with at least so many decimals, and with more where it would round to nothing."""
        value = self.value(key)
        enough = [places for places in range(decimals, MOST_DECIMALS + 1) if not value or float(f"{value:.{places}f}")]
        return f"[[{key}:.{enough[0]}f]]" if enough else f"[[{key}:.1e]]"

    def count(self, key: str, one: str, many: str) -> str:
        """Mark a count with its noun."""
        return f"[[{key}:.0f]] {one if self.value(key) == 1 else many}"

    def declared(self, key: str) -> str:
        """Mark a declared number as short as it was declared."""
        return f"[[{key}:{form}]]" if (form := spelling(repr(self.value(key)).removesuffix(".0"))) else f"[[{key}]]"

    def p(self, key: str) -> str:
        """Mark a p."""
        return f"[[{key}:.3f]]"

    def interval(self, name: str) -> str:
        """Mark the ends of an arm's interval."""
        return f"{self.of(name, 'low')} to {self.of(name, 'high')}"

    def measured(self, name: str) -> str:
        """Mark an arm's difference with its interval."""
        found = f"{self.of(name, 'difference')}{self.unit()}"
        return f"{found} ([[level:.0f]] % interval {self.interval(name)})"


class Reading:
    """What the headline shows, as far as the words of a paper turn on it."""

    def __init__(self, material: Material, comparison: Comparison) -> None:
        """Read `comparison` of `material`."""
        prediction = material.study.idea.prediction
        self.arm = arm(comparison)
        value = material.value
        self.smallest = prediction.smallest_effect
        self.difference, self.low, self.high = (value(f"{self.arm}.{end}") for end in ("difference", "low", "high"))
        toward = 1 if prediction.direction == "higher" else -1
        self.identical = comparison.variant_values == comparison.reference_values
        self.as_predicted = toward * self.difference > 0
        self.settled = self.low > 0 or self.high < 0
        half = (self.high - self.low) / 2
        self.wide = half > self.smallest and half > WIDE * abs(self.difference)
        holm = material.facts.get("headline.p_holm")
        self.corrected = holm is not None
        self.significant = holm is not None and holm.value < ALPHA

    def size(self) -> str:
        """Compare the mean difference with the smallest effect of interest, in words."""
        ratio = abs(self.difference) / self.smallest
        steps = ((10, "more than ten times"), (5, "more than five times"), (2, "more than twice"), (1, "at least"))
        words = next((words for least, words in steps if ratio >= least), "less than")
        return f"{words} the smallest effect declared of interest"


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def clause(text: str) -> str:
    """Take the full stop from a sentence, to stand inside another."""
    return text.rstrip(" .")


def stop(text: str) -> str:
    """End a text as a sentence ends."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def small(text: str) -> str:
    """Begin a text as it goes on inside a sentence; an acronym keeps its capitals."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def capital(text: str) -> str:
    """Begin a text as a sentence begins."""
    return text[:1].upper() + text[1:]
