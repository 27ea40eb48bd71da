"""Iterative minimum-entropy coupling (Sokota et al. 2022, 2024): hide messages X in cover texts Y.

Each cover symbol is coupled with the posterior over the blocks of one partition of the messages. The joint law keeps
both marginals exactly, whatever the partition and the coupling; how little of the message stays open is the score.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import channel
import numpy as np
import transcript
from channel import Floats, Task
from numpy.typing import NDArray
from transcript import Step

Atom = tuple[int, int, float]
"""Row, column and positive mass of one entry of a coupling."""

OPEN = 1e-9
"""Bits of entropy below which a partition has nothing left to say."""
DUST = 1e-15
"""Mass below which a remainder is rounding."""
MOST_BLOCKS = 2**12
"""Joint values of pooled components that one coupling may have."""


@dataclass(frozen=True)
class Config:
    components: int
    """How many components a message has."""
    symbols: int
    """How many values each component takes."""
    source: str
    """`ciphertext` (independent uniform components) or `plaintext` (a Markov chain)."""
    source_temperature: float
    """Of the plaintext's chain; a low one makes it predictable."""
    cover_symbols: int
    """Size of the cover's alphabet."""
    cover_length: int
    """Symbols in a cover text."""
    cover_temperature: float
    """Of the cover's chain; a low one leaves little room to hide in."""
    messages: int
    """How many messages are sent."""

    algorithm: str = "fimec"
    """`fimec` couples one component at a time, `arimec` one node of the prefix tree of messages."""
    coupling: str = "greedy"
    """Which approximate minimum-entropy coupling serves each step."""
    merge: bool = False
    """Couple again within cover symbols that would teach the receiver the same."""
    merge_tolerance: float = 1e-6
    """Largest difference of block probabilities at which two cover symbols teach the same."""
    pool: int = 1
    """How many neighbouring components FIMEC treats as one; all of them is TIMEC."""


def partition_score(  # an idea may use any of these
    entropy: float,
    max_mass: float,  # noqa: ARG001
    log2_blocks: float,  # noqa: ARG001
    cover_entropy: float,  # noqa: ARG001
) -> float:
    """Rate a partition; the highest is coupled next. Entropies are in bits, of its blocks and of the cover symbol."""
    return entropy


def greedy(rows: Floats, columns: Floats) -> list[Atom]:
    """Match the largest remaining masses until nothing is left (Kocaoglu et al. 2017), in O((m + n) log(m + n))."""
    left, right = _heap(rows), _heap(columns)
    atoms = []
    while left and right:
        (a, i), (b, j) = left[0], right[0]
        mass = min(-a, -b)
        atoms.append((i, j, mass))
        for heap, top, index in ((left, a, i), (right, b, j)):
            if -top - mass > DUST:
                heapq.heapreplace(heap, (top + mass, index))
            else:
                heapq.heappop(heap)
    return atoms


def _heap(masses: Floats) -> list[tuple[float, int]]:
    """Order the positive masses, largest first, by index among equals."""
    heap = [(-mass, index) for index, mass in enumerate(masses.tolist()) if mass > DUST]
    heapq.heapify(heap)
    return heap


def majorisation(rows: Floats, columns: Floats) -> list[Atom]:
    """Cut up the greatest lower bound of both in the majorisation order (Cicalese, Gargano & Vaccaro 2019).

    The bound z has the smaller of the two sorted prefix sums. Every coupling has at least H(z) bits; this one cuts each
    part of z at most once and so has at most H(z) + 1.
    """
    size = max(rows.size, columns.size)
    order = [np.argsort(-marginal, kind="stable") for marginal in (rows, columns)]
    p, q = (np.pad(np.sort(marginal)[::-1], (0, size - marginal.size)) for marginal in (rows, columns))
    bound = np.diff(np.minimum(np.cumsum(p), np.cumsum(q)), prepend=0.0)
    row_is_tight = np.cumsum(p[::-1])[::-1] >= np.cumsum(q[::-1])[::-1]
    cells: list[tuple[tuple[int, int], float]] = []
    waiting: tuple[list[tuple[int, float]], list[tuple[int, float]]] = ([], [])
    for i in range(size - 1, -1, -1):
        tight = 0 if row_is_tight[i] else 1
        loose, part, need = 1 - tight, float(bound[i]), float((q if tight == 0 else p)[i])
        cells += [((i, other) if tight == 0 else (other, i), mass) for other, mass in waiting[tight]]
        waiting[tight].clear()
        kept = []
        for other, mass in waiting[loose]:
            if mass <= need + DUST:
                need -= mass
                cells.append(((other, i) if tight == 0 else (i, other), mass))
            else:
                kept.append((other, mass))
        taken = min(max(need, 0.0), part)
        cells.append(((i, i), taken))
        waiting[loose][:] = [*kept, (i, part - taken)]
    return [(int(order[0][i]), int(order[1][j]), mass) for (i, j), mass in cells if mass > DUST]


def product(rows: Floats, columns: Floats) -> list[Atom]:
    """Couple nothing: the control, which conveys nothing."""
    table = np.outer(rows, columns)
    return [(int(i), int(j), float(table[i, j])) for i, j in np.argwhere(table > 0)]


COUPLINGS: dict[str, Callable[[Floats, Floats], list[Atom]]] = {
    "greedy": greedy,
    "majorisation": majorisation,
    "product": product,
}


class Posterior(Protocol):
    kind: str

    def choose(self, cover_entropy: float) -> tuple[tuple[int, ...], Floats] | None:
        """Name the partition to couple and its block probabilities; None when every message is settled."""

    def update(self, blocks: Floats) -> None:
        """Learn new probabilities of the chosen partition's blocks."""

    def block(self, message: Sequence[int]) -> int:
        """Find the chosen partition's block that holds `message`."""

    def decode(self) -> tuple[int, ...]:
        """Guess the message."""


def entropy(distribution: Floats) -> float:
    """Shannon entropy in bits."""
    positive = distribution[distribution > 0]
    return -float(positive @ np.log2(positive))


def features(blocks: Floats) -> tuple[float, float, float]:
    """Describe a partition to `partition_score`: entropy, largest mass, log2 of the number of blocks."""
    return entropy(blocks), float(blocks.max()), math.log2(blocks.size)


class Factored:
    """FIMEC: the factors are independent, one partition each; with a single factor this is TIMEC."""

    kind = "factored"

    def __init__(self, task: Task, pool: int) -> None:
        if not task.independent:
            raise ValueError("FIMEC needs independent components; send a plaintext with algorithm `arimec`.")
        self.symbols = task.source.symbols
        count = task.source.length
        if self.symbols ** min(pool, count) > MOST_BLOCKS:
            raise ValueError(
                f"Pooling {pool} components of {self.symbols} values makes more than {MOST_BLOCKS} blocks; pool fewer."
            )
        self.factors = [tuple(range(first, min(first + pool, count))) for first in range(0, count, pool)]
        sizes = [self.symbols ** len(factor) for factor in self.factors]
        self.distributions = [np.full(size, 1.0 / size) for size in sizes]
        self.features = [features(distribution) for distribution in self.distributions]
        self.active = 0

    def choose(self, cover_entropy: float) -> tuple[tuple[int, ...], Floats] | None:
        scores = {
            index: partition_score(bits, max_mass, log2_blocks, cover_entropy)
            for index, (bits, max_mass, log2_blocks) in enumerate(self.features)
            if bits > OPEN
        }
        if not scores:
            return None
        self.active = max(scores, key=scores.__getitem__)
        return self.factors[self.active], self.distributions[self.active]

    def update(self, blocks: Floats) -> None:
        self.distributions[self.active] = blocks
        self.features[self.active] = features(blocks)

    def block(self, message: Sequence[int]) -> int:
        return self._cell([message[component] for component in self.factors[self.active]])

    def _cell(self, values: Sequence[int]) -> int:
        """Count through the joint values of a factor, its last component fastest."""
        cell = 0
        for value in values:
            cell = cell * self.symbols + value
        return cell

    def decode(self) -> tuple[int, ...]:
        cells = [int(distribution.argmax()) for distribution in self.distributions]
        return tuple(
            cell // self.symbols**place % self.symbols
            for factor, cell in zip(self.factors, cells, strict=True)
            for place in range(len(factor) - 1, -1, -1)
        )


class Node:
    """A prefix of the messages, with the probabilities of its extensions and, last, of all that does not extend it.

    Only ratios within a node are kept current: the last slot, and the others' sum, are set when the search arrives.
    """

    def __init__(self, prefix: tuple[int, ...], prior: Floats, parent: Node | None = None) -> None:
        self.prefix = prefix
        self.parent = parent or self
        self.children: dict[int, Node] = {}
        self.blocks = np.append(prior, 0.0)

    def fix(self, slot: int, mass: float) -> Node:
        """Set one slot's probability and scale the others to the rest."""
        others = self.blocks.sum() - self.blocks[slot]
        self.blocks *= (1.0 - mass) / others if others > 0 else 0.0
        self.blocks[slot] = mass
        return self


class PrefixTree:
    """ARIMEC: one partition per prefix, over any autoregressive source; nodes are made when first looked at."""

    kind = "tree"

    def __init__(self, task: Task) -> None:
        self.source = task.source
        self.elsewhere = task.source.symbols
        self.node = Node((), task.source.conditional(()))

    def choose(self, cover_entropy: float) -> tuple[tuple[int, ...], Floats] | None:
        """Search depth first from the last choice, past edges beyond which no node can have more entropy."""
        best, best_score, most = self.node, -math.inf, 0.0
        stack = [(math.inf, self.node, self.node)]
        while stack:
            bound, node, origin = stack.pop()
            if bound <= most + OPEN:
                continue
            if node is not origin:
                self._refresh(node, origin)
            bits, max_mass, log2_blocks = features(node.blocks)
            score = partition_score(bits, max_mass, log2_blocks, cover_entropy) if bits > OPEN else -math.inf
            if score > best_score + OPEN:
                best, best_score = node, score
            most = max(most, bits)
            stack += self._neighbours(node, origin, most)
        self.node = best
        return (best.prefix, best.blocks) if most > OPEN else None

    def _neighbours(self, node: Node, origin: Node, most: float) -> list[tuple[float, Node, Node]]:
        """List the inner nodes across the edges of `node` beyond which there may be more than `most` bits."""
        bounds = self._most_bits_beyond(node.blocks)
        inner = len(node.prefix) < self.source.length - 1
        found = []
        for edge in np.flatnonzero(bounds > most + OPEN).tolist():
            if edge == self.elsewhere or inner:
                neighbour = self._neighbour(node, edge)
                found += [(float(bounds[edge]), neighbour, node)] if neighbour is not origin else []
        return found

    def _most_bits_beyond(self, mass: Floats) -> Floats:
        """Bound the entropy of every node across edges of probability `mass`: one block there has all the rest."""
        rest, others = 1.0 - mass, self.elsewhere
        with np.errstate(divide="ignore", invalid="ignore"):
            bits = -rest * np.log2(rest) - mass * np.log2(mass / others)
        flat = np.where(rest * (others + 1) <= 1.0, math.log2(others + 1), bits)
        return np.where(mass <= 0.0, 0.0, flat)

    def _neighbour(self, node: Node, edge: int) -> Node:
        if edge == self.elsewhere:
            return node.parent
        if edge not in node.children:
            prefix = (*node.prefix, edge)
            node.children[edge] = Node(prefix, self.source.conditional(prefix), node)
        return node.children[edge]

    def _refresh(self, node: Node, origin: Node) -> Node:
        """Tell `node` what its up-to-date neighbour `origin` knows: how likely the messages beyond it are."""
        if node is origin.parent:
            return node.fix(origin.prefix[-1], 1.0 - float(origin.blocks[self.elsewhere]))
        return node.fix(self.elsewhere, 1.0 - float(origin.blocks[node.prefix[-1]]))

    def update(self, blocks: Floats) -> None:
        self.node.blocks = blocks.copy()

    def block(self, message: Sequence[int]) -> int:
        depth = len(self.node.prefix)
        return message[depth] if tuple(message[:depth]) == self.node.prefix else self.elsewhere

    def decode(self) -> tuple[int, ...]:
        """Walk the likeliest edges from the last node, then the source's own likeliest path; greedy, not MAP."""
        node = self.node
        while True:
            edge = int(node.blocks.argmax())
            if edge != self.elsewhere and edge not in node.children:
                return self._finish((*node.prefix, edge))
            origin, node = node, self._neighbour(node, edge)
            self._refresh(node, origin).fix(origin.prefix[-1] if edge == self.elsewhere else self.elsewhere, 0.0)

    def _finish(self, prefix: tuple[int, ...]) -> tuple[int, ...]:
        while len(prefix) < self.source.length:
            prefix = (*prefix, int(self.source.conditional(prefix).argmax()))
        return prefix


def prior(config: Config, task: Task) -> Posterior:
    return PrefixTree(task) if config.algorithm == "arimec" else Factored(task, config.pool)


class Round(NamedTuple):
    """One coupling, laid open before anything is drawn from it."""

    step: Step
    cover: Floats
    """Probabilities of the members, shape [members]."""
    matrix: Floats
    """The coupling, shape [members, blocks]."""
    posterior: Posterior


Draw = Callable[[Round], int]
"""Which row of the coupling comes true."""


def imec(config: Config, task: Task, draw: Draw) -> tuple[list[int], Posterior]:
    """Make a cover text and what it tells of its message, drawing each round by `draw`."""
    posterior = prior(config, task)
    text: list[int] = []
    while len(text) < task.cover.length:
        conditional = task.cover.conditional(text)
        members = couple(config, posterior, conditional, np.arange(task.cover.symbols), draw)
        while members.size > 1:
            members = couple(config, posterior, conditional, members, draw)
        text.append(int(members[0]))
    return text, posterior


def couple(
    config: Config, posterior: Posterior, conditional: Floats, members: NDArray[np.intp], draw: Draw
) -> NDArray[np.intp]:
    """Couple the cover symbols still possible with one partition; return those possible after the draw."""
    cover = channel.restrict(conditional, members)
    choice = posterior.choose(entropy(cover))
    partition, blocks = choice if choice is not None else ((), np.ones(1))
    atoms = COUPLINGS[config.coupling](cover, blocks)
    matrix = np.zeros((cover.size, blocks.size))
    for row, column, mass in atoms:
        matrix[row, column] = mass
    groups = group(matrix, config.merge_tolerance) if config.merge and choice is not None else np.arange(cover.size)
    step = Step(partition, choice is None, tuple(members.tolist()), tuple(atoms), tuple(groups.tolist()))
    drawn = groups == groups[draw(Round(step, cover, matrix, posterior))]
    if choice is not None:
        seen = matrix[drawn].sum(axis=0)
        posterior.update(seen / seen.sum())
    return np.asarray(members[drawn])


def group(matrix: Floats, tolerance: float) -> NDArray[np.intp]:
    """Label rows that teach the same about the blocks: each joins the first leader within `tolerance` of it.

    The labels partition the rows whichever is drawn. When all rows teach the same, each stands alone.
    """
    lessons = matrix / matrix.sum(axis=1, keepdims=True)
    labels = np.arange(len(lessons))
    for row in range(1, len(lessons)):
        near = np.abs(lessons[:row] - lessons[row]).max(axis=1) <= tolerance
        labels[row] = next((leader for leader in np.flatnonzero(near) if labels[leader] == leader), row)
    return labels if labels.any() else np.arange(len(lessons))


def encode(config: Config, task: Task, message: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Hide `message` in a cover text: the sender draws each symbol given the block that holds it."""

    def draw(round_: Round) -> int:
        column = 0 if round_.step.trivial else round_.posterior.block(message)
        return channel.inverse_cdf(round_.matrix[:, column], rng.random())

    return imec(config, task, draw)[0]


def decode(config: Config, task: Task, text: Sequence[int]) -> tuple[int, ...]:
    """Read a cover text: the receiver makes the same couplings from the text alone."""
    return receive(config, task, text).decode()


def receive(config: Config, task: Task, text: Sequence[int]) -> Posterior:
    """Return the posterior over messages given a cover text."""
    place = -1

    def draw(round_: Round) -> int:
        nonlocal place
        place += len(round_.step.members) == task.cover.symbols
        return round_.step.members.index(text[place])

    return imec(config, task, draw)[1]


def run(config: Config, task: Task) -> transcript.Transcript:
    """Draw every cover text by the transcript's own chance; its message is whatever the posterior then holds."""
    record = transcript.Transcript(kind=prior(config, task).kind)
    for message in range(task.messages):
        steps: list[Step] = []
        state = transcript.opening(task.seed, message)

        def draw(round_: Round, steps: list[Step] = steps) -> int:
            nonlocal state
            steps.append(round_.step)
            state, uniform = transcript.commit(state, round_.step)
            return channel.inverse_cdf(round_.cover, uniform)

        text, posterior = imec(config, task, draw)
        record.steps.append(steps)
        record.texts.append(tuple(text))
        record.decoded.append(posterior.decode())
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description="Couple messages with cover texts and record every coupling.")
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    settings = json.loads(arguments.settings.read_text())
    config = Config(**settings["settings"])
    record = run(config, channel.task(settings["seed"], settings["settings"]))
    arguments.out.mkdir(parents=True, exist_ok=True)
    record.save(arguments.out)
    couplings = sum(len(steps) for steps in record.steps)
    print(f"Sent {len(record.steps)} messages in {couplings} couplings.")


if __name__ == "__main__":
    main()
