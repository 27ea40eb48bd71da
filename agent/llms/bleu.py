"""BLEU between two texts, by their characters (Papineni et al., 2002, https://doi.org/10.3115/1073083.1073135)."""

from __future__ import annotations

import math
from collections import Counter

ORDER = 4
WINDOW = 60
"""Words, separated by white space."""


def bleu(reference: str, hypothesis: str) -> float:
    """Give the geometric mean of the precisions of 1- to 4-grams of characters, times the penalty for brevity.

    Weights are uniform and nothing is smoothed: without one common 4-gram it is 0.
    """
    precisions = [precision(reference, hypothesis, order) for order in range(1, ORDER + 1)]
    if not all(precisions):
        return 0.0
    brevity = min(0.0, 1 - len(reference) / len(hypothesis))
    return math.exp(brevity + sum(map(math.log, precisions)) / ORDER)


def precision(reference: str, hypothesis: str, order: int) -> float:
    """Give the share of the hypothesis' n-grams that the reference has, each counted as often as it is there."""
    found = grams(hypothesis, order)
    return (found & grams(reference, order)).total() / max(1, found.total())


def grams(text: str, order: int) -> Counter[str]:
    return Counter(text[start : start + order] for start in range(len(text) - order + 1))


def fidelity(output: str, repeat: str, *, cut_off: bool = False) -> float:
    """Compare as many words of both as the shorter one has, and no more than the first sixty; 1 is word for word.

    With a repeat that was cut off, the output is cut at the same length first.
    """
    said, again = " ".join(output.split()), " ".join(repeat.split())
    words, repeated = (said[: len(again)] if cut_off else said).split(), again.split()
    shared = min(len(words), len(repeated), WINDOW)
    reference, hypothesis = " ".join(words[:shared]), " ".join(repeated[:shared])
    # BLEU knows no text of less than four characters.
    return 1.0 if reference and reference == hypothesis else bleu(reference, hypothesis)
