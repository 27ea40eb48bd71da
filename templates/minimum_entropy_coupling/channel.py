"""The task of one seed: what is to be said, and the cover it is hidden in; the same for every method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chain:
    """A Markov chain of fixed length: `start` has shape [symbols], `transition` [symbols, symbols]."""

    length: int
    start: Floats
    transition: Floats

    @property
    def symbols(self) -> int:
        return self.start.size

    def conditional(self, prefix: Sequence[int]) -> Floats:
        """Distribution of the symbol after `prefix`, shape [symbols]."""
        return self.transition[prefix[-1]] if len(prefix) else self.start

    def entropy(self, prefix: Sequence[int] = ()) -> float:
        """Bits of what is still to come after `prefix`."""
        left = self.length - len(prefix)
        if left == 0:
            return 0.0
        return float(self.conditional(prefix) @ (self._ahead[left - 1] - np.log2(self.conditional(prefix))))

    @property
    def _ahead(self) -> tuple[Floats, ...]:
        return _entropy_ahead(self)


@lru_cache(maxsize=8)
def _entropy_ahead(chain: Chain) -> tuple[Floats, ...]:
    """Bits of the next n symbols given the current one, for n = 0 … length − 1, each of shape [symbols]."""
    per_symbol = -(chain.transition * np.log2(chain.transition)).sum(axis=1)
    ahead = [np.zeros(chain.symbols)]
    for _ in range(chain.length - 1):
        ahead.append(per_symbol + chain.transition @ ahead[-1])
    return tuple(ahead)


@dataclass(frozen=True, eq=False)
class Task:
    """A message source X of independent or chained components, and a cover Y of as many symbols as the text has."""

    seed: int
    source: Chain
    cover: Chain
    messages: int
    independent: bool
    """The message is ciphertext: its components are independent and uniform."""


def task(seed: int, settings: Mapping[str, Any]) -> Task:
    """Draw the task that `seed` and a scale's settings name; raises `KeyError` when a setting is missing."""
    cover_rng, source_rng = (np.random.default_rng([seed, stream]) for stream in range(2))
    ciphertext = settings["source"] == "ciphertext"
    source_temperature = np.inf if ciphertext else settings["source_temperature"]
    return Task(
        seed=seed,
        source=_random_chain(source_rng, settings["components"], settings["symbols"], source_temperature),
        cover=_random_chain(
            cover_rng, settings["cover_length"], settings["cover_symbols"], settings["cover_temperature"]
        ),
        messages=settings["messages"],
        independent=ciphertext,
    )


def _random_chain(rng: np.random.Generator, length: int, symbols: int, temperature: float) -> Chain:
    """Draw a chain whose logits are standard normal over `temperature`; an infinite one gives uniform symbols."""
    logits = rng.standard_normal((symbols + 1, symbols)) / temperature
    # The floor keeps every symbol possible: an entropy needs its logarithm, a coupling its row.
    weights = np.exp(logits - logits.max(axis=1, keepdims=True)) + 1e-9
    rows = weights / weights.sum(axis=1, keepdims=True)
    return Chain(length=length, start=rows[0], transition=rows[1:])


def restrict(distribution: Floats, members: NDArray[np.intp]) -> Floats:
    """Condition `distribution` on `members`: their probabilities, shape [members], summing to one."""
    weights = distribution[members]
    return np.asarray(weights / weights.sum())


def inverse_cdf(distribution: Floats, uniform: float) -> int:
    """Return the outcome that `uniform` in [0, 1) selects; never one of probability zero."""
    cumulative = np.cumsum(distribution)
    last = int(np.searchsorted(cumulative, cumulative[-1]))
    return min(int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right")), last)
