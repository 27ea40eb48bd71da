"""Similarity of short texts: the cosine of their words and letter groups, the rare ones weighing more (TF-IDF)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

NEAR_DUPLICATE: Final = 0.5
"""Above it, two ideas are one in other words: paraphrases lie above, different ideas about one method below."""

_GROUP: Final = 4
"""Letters that stand for a word's stem, so that `merging` and `merged` have something in common."""
_PASSING: Final = frozenset(
    "a an and are as at be by for from in is it its of on or than that the then this to which will with".split()  # noqa: SIM905 (reads as a sentence)
)


def similarities(text: str, others: Sequence[str]) -> tuple[float, ...]:
    """Give the likeness of `text` to each of `others`, from 0 for no word in common to 1 for the same words."""
    counts = [_features(each) for each in (text, *others)]
    shared = Counter(feature for each in counts for feature in each)
    rarity = {feature: 1 + math.log((1 + len(counts)) / (1 + number)) for feature, number in shared.items()}
    first, *rest = ({feature: (1 + math.log(n)) * rarity[feature] for feature, n in each.items()} for each in counts)
    return tuple(_cosine(first, each) for each in rest)


def _features(text: str) -> Counter[str]:
    words = [word for word in re.findall(r"[^\W_]+", text.lower()) if word not in _PASSING]
    groups = (f"{word} "[at : at + _GROUP] for word in words for at in range(max(1, len(word) - _GROUP + 2)))
    return Counter([*(f"={word}" for word in words), *groups])


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    product = sum(weight * other[feature] for feature, weight in one.items() if feature in other)
    return product / (_length(one) * _length(other)) if product else 0.0


def _length(weights: dict[str, float]) -> float:
    return math.sqrt(sum(weight * weight for weight in weights.values()))
