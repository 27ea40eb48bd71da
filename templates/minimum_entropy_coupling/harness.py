"""The scorer: replay every coupling of a run with a posterior of its own, and measure what the receiver learned.

Nothing that the method wrote is believed. Partitions are evaluated here, both marginals of every coupling are
checked, cover symbols are drawn again. What no honest run writes ends the score with exit code 3.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import channel
import numpy as np
import transcript
from channel import Floats, Task
from transcript import Step, Transcript

TAMPERED = 3
"""Exit code for artefacts that no honest run makes."""
TOLERANCE = 1e-9
"""Largest difference of a coupling's marginal from what it must be."""
CELLS = 2**20
"""Largest joint table of components that is replayed."""
LUCK = 1e-9
"""Probability below which an honest run's luck is taken for choice."""


class TamperedError(ValueError):
    """Artefacts such as no honest run makes; the message says where and what."""


class Posterior(Protocol):
    """What a cover text tells of its message, exactly."""

    def blocks(self, partition: tuple[int, ...]) -> Floats:
        """Probabilities of a partition's blocks; raises `TamperedError` when there is no such partition."""

    def update(self, partition: tuple[int, ...], factors: Floats) -> None:
        """Multiply the probability of every message by the factor of its block."""

    def entropy(self) -> float:
        """Bits of the message still open."""

    def probability(self, message: Sequence[int]) -> float:
        """Probability of one message."""


def entropy(distribution: Floats) -> float:
    positive = distribution[distribution > 0]
    return -float(positive @ np.log2(positive))


class FactoredPosterior:
    """Independent groups of components, each with a joint table of shape [symbols] * components."""

    def __init__(self, task: Task) -> None:
        self.symbols = task.source.symbols
        self.count = task.source.length
        self.tables: dict[tuple[int, ...], Floats] = {
            (index,): task.source.conditional(()) for index in range(self.count)
        }

    def blocks(self, partition: tuple[int, ...]) -> Floats:
        valid = all(0 <= component < self.count for component in partition)
        if not partition or not valid or len(set(partition)) != len(partition):
            raise TamperedError(f"{partition} does not name different components of {self.count}.")
        table = self.tables[self._joined(partition)]
        return np.asarray(table.reshape(self.symbols ** len(partition), -1).sum(axis=1))

    def update(self, partition: tuple[int, ...], factors: Floats) -> None:
        group = self._joined(partition)
        table = self.tables[group].reshape(factors.size, -1) * factors[:, None]
        self.tables[group] = (table / table.sum()).reshape([self.symbols] * len(group))

    def _joined(self, partition: tuple[int, ...]) -> tuple[int, ...]:
        """Put all groups that `partition` touches into one table, its components first; return the table's name."""
        if partition in self.tables:
            return partition
        touched = [group for group in self.tables if set(group) & set(partition)]
        joined = tuple(component for group in touched for component in group)
        if self.symbols ** len(joined) > CELLS:
            raise TamperedError(f"Coupling components {partition} needs a joint table of more than {CELLS} cells.")
        table = np.ones(())
        for group in touched:
            table = np.multiply.outer(table, self.tables.pop(group))
        name = partition + tuple(component for component in joined if component not in partition)
        self.tables[name] = table.transpose([joined.index(component) for component in name])
        return name

    def entropy(self) -> float:
        return sum(entropy(table.ravel()) for table in self.tables.values())

    def probability(self, message: Sequence[int]) -> float:
        return math.prod(
            float(table[tuple(message[component] for component in group)]) for group, table in self.tables.items()
        )


class TreePosterior:
    """Absolute probabilities of the children of every prefix looked at so far; within a child the source decides."""

    def __init__(self, task: Task) -> None:
        self.source = task.source
        self.masses: dict[tuple[int, ...], Floats] = {(): task.source.conditional(()).copy()}

    def blocks(self, partition: tuple[int, ...]) -> Floats:
        if len(partition) >= self.source.length or not all(0 <= s < self.source.symbols for s in partition):
            raise TamperedError(f"{partition} is not a proper prefix of a message.")
        for depth in range(1, len(partition) + 1):
            prefix = partition[:depth]
            if prefix not in self.masses:
                self.masses[prefix] = self.masses[prefix[:-1]][prefix[-1]] * self.source.conditional(prefix)
        inside = self.masses[partition]
        return np.append(inside, max(0.0, 1.0 - float(inside.sum())))

    def update(self, partition: tuple[int, ...], factors: Floats) -> None:
        depth = len(partition)
        for prefix in self.masses:
            if prefix == partition:
                self.masses[prefix] *= factors[:-1]
            elif prefix[:depth] == partition:
                self.masses[prefix] *= factors[prefix[depth]]
            else:
                self.masses[prefix] *= factors[-1]
        self._sum_up(partition)
        total = float(self.masses[()].sum())
        for prefix in self.masses:
            self.masses[prefix] /= total

    def _sum_up(self, partition: tuple[int, ...]) -> None:
        """Give every ancestor's edge towards `partition` the sum of what lies beyond it."""
        for depth in range(len(partition), 0, -1):
            prefix = partition[:depth]
            self.masses[prefix[:-1]][prefix[-1]] = self.masses[prefix].sum()

    def entropy(self) -> float:
        bits = 0.0
        for prefix, masses in self.masses.items():
            for symbol, mass in enumerate(masses.tolist()):
                child = (*prefix, symbol)
                if child not in self.masses and mass > 0:
                    bits += mass * (self.source.entropy(child) - math.log2(mass))
        return bits

    def probability(self, message: Sequence[int]) -> float:
        message = tuple(message)
        depth = max(depth for depth in range(len(message)) if message[:depth] in self.masses)
        likelihood = float(self.masses[message[:depth]][message[depth]])
        for known in range(depth + 1, len(message)):
            likelihood *= float(self.source.conditional(message[:known])[message[known]])
        return likelihood


class Luck:
    """How far the blocks' entropy fell beyond its expectation, a martingale while couplings cannot foresee draws.

    Freedman's inequality (1975) bounds the probability of its sum; a method that tried many commitments until a
    favourable symbol was drawn goes beyond.
    """

    def __init__(self) -> None:
        self.surplus = 0.0
        self.variance = 0.0
        self.largest = 1.0

    def observe(self, matrix: Floats, groups: Sequence[int], drawn: int) -> None:
        """Record a coupling of shape [rows, blocks] and the label of the group that was drawn."""
        labels, inverse = np.unique(groups, return_inverse=True)
        seen = np.zeros((labels.size, matrix.shape[1]))
        np.add.at(seen, inverse, matrix)
        chance = seen.sum(axis=1)
        fall = entropy(matrix.sum(axis=0)) - np.array([entropy(row / row.sum()) for row in seen])
        surplus = fall - chance @ fall
        self.surplus += float(surplus[labels.tolist().index(drawn)])
        self.variance += float(chance @ surplus**2)
        self.largest = max(self.largest, float(np.abs(surplus).max()))

    def check(self) -> None:
        """Raise `TamperedError` when an honest run would not once in 1e9 be as lucky."""
        far = abs(self.surplus)
        if far**2 > 2 * math.log(2 / LUCK) * (self.variance + self.largest * far / 3):
            raise TamperedError(
                f"The draws taught {self.surplus:+.1f} bits beyond expectation at variance {self.variance:.1f}: "
                "couplings were chosen with their outcome in view."
            )


class Received(NamedTuple):
    """What one message's replay gave."""

    open_bits: tuple[float, ...]
    """Of the message, after each cover symbol."""
    decoded_probability: float
    couplings: int


def replay(task: Task, record: Transcript, message: int, luck: Luck) -> Received:
    """Recompute a message's cover text and posterior from its commitments.

    Raises `TamperedError` where a commitment is not a coupling of that posterior with the cover.
    """
    posterior: Posterior = FactoredPosterior(task) if record.kind == "factored" else TreePosterior(task)
    state = transcript.opening(task.seed, message)
    steps = iter(record.steps[message])
    text: list[int] = []
    open_bits = []
    while len(text) < task.cover.length:
        conditional = task.cover.conditional(text)
        members = tuple(range(task.cover.symbols))
        while len(members) > 1:
            step = next(steps, None)
            if step is None or step.members != members:
                raise TamperedError(f"cover symbol {len(text)} lacks a coupling of the members {members}.")
            cover = channel.restrict(conditional, np.array(members))
            blocks = np.ones(1) if step.trivial else posterior.blocks(step.partition)
            matrix = verified(step, cover, blocks)
            state, uniform = transcript.commit(state, step)
            label = step.groups[channel.inverse_cdf(cover, uniform)]
            drawn = np.array(step.groups) == label
            members = tuple(np.array(members)[drawn].tolist())
            if not step.trivial:
                luck.observe(matrix, step.groups, label)
                seen = matrix[drawn].sum(axis=0)
                known = blocks > 0
                factors = np.divide(seen / seen.sum(), blocks, out=np.zeros_like(blocks), where=known)
                posterior.update(step.partition, factors)
        text.append(members[0])
        open_bits.append(posterior.entropy())
    if next(steps, None) is not None or tuple(text) != record.texts[message]:
        raise TamperedError(f"the cover text drawn from the commitments is {text}, not {record.texts[message]}.")
    return Received(tuple(open_bits), posterior.probability(record.decoded[message]), len(record.steps[message]))


def verified(step: Step, cover: Floats, blocks: Floats) -> Floats:
    """Return a committed coupling as a matrix of shape [rows, blocks].

    Raises `TamperedError` unless its entries are positive, its marginals are `cover` and `blocks`, and its groups part
    the rows.
    """
    matrix = np.zeros((cover.size, blocks.size))
    for row, column, mass in step.atoms:
        if not (0 <= row < cover.size and 0 <= column < blocks.size and math.isfinite(mass) and mass > 0):
            raise TamperedError(f"the entry ({row}, {column}, {mass}) lies outside a coupling of shape {matrix.shape}.")
        matrix[row, column] += mass
    for axis, name, marginal in ((1, "cover", cover), (0, "block", blocks)):
        error = float(np.abs(matrix.sum(axis=axis) - marginal).max())
        if error > TOLERANCE:
            raise TamperedError(f"a coupling's {name} marginal is off by {error:.3g}; at most {TOLERANCE} is rounding.")
    if len(step.groups) != cover.size or len(set(step.groups)) == 1:
        raise TamperedError(f"the groups {step.groups} do not part the {cover.size} rows.")
    return matrix


def score(task: Task, record: Transcript) -> dict[str, float]:
    """Measure a run; raises `TamperedError` for one that no honest method made."""
    _check_shape(task, record)
    luck = Luck()
    received = []
    for message in range(task.messages):
        try:
            received.append(replay(task, record, message, luck))
        except TamperedError as error:
            raise TamperedError(f"Message {message}: {error}") from error
    luck.check()
    open_bits = np.array([result.open_bits for result in received]).mean(axis=0)
    message_bits = task.source.entropy()
    residual = float(open_bits[-1])
    quarters = {
        f"open_after_{quarter}_4": float(open_bits[math.ceil(task.cover.length * quarter / 4) - 1])
        for quarter in (1, 2, 3)
    }
    return {
        "residual_entropy": residual,
        "joint_entropy": task.cover.entropy() + residual,
        "bits_per_token": (message_bits - residual) / task.cover.length,
        "exact_decode_rate": float(np.mean([result.decoded_probability for result in received])),
        "couplings_per_message": float(np.mean([result.couplings for result in received])),
        "message_entropy": message_bits,
        "cover_entropy": task.cover.entropy(),
        **quarters,
    }


def _check_shape(task: Task, record: Transcript) -> None:
    if record.kind not in {"factored", "tree"} or (record.kind == "factored" and not task.independent):
        raise TamperedError(f"No posterior of kind `{record.kind}` fits this message source.")
    counts = {len(record.steps), len(record.decoded), len(record.texts)}
    if counts != {task.messages}:
        raise TamperedError(f"There are {sorted(counts)} transcripts, guesses and texts for {task.messages} messages.")
    for guess in record.decoded:
        if len(guess) != task.source.length or not all(0 <= value < task.source.symbols for value in guess):
            raise TamperedError(f"The decoded message {guess} is not a message.")


def main() -> int:
    parser = argparse.ArgumentParser(description="Score a run from the commitments it left.")
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--artefacts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    settings = json.loads(arguments.settings.read_text())
    task = channel.task(settings["seed"], settings["settings"])
    try:
        measurements = score(task, Transcript.load(arguments.artefacts))
    except (TamperedError, transcript.UnreadableError) as error:
        print(f"These artefacts were not made by an honest run. {error}", file=sys.stderr)
        return TAMPERED
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"name": name, "value": value}, allow_nan=False) for name, value in measurements.items()]
    (arguments.out / "measurements.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
