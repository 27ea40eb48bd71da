"""The couplings, the iteration over them, and the stego system that they make."""
# ruff: noqa: ANN401 - what a script loaded by its path defines has no static type

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

FOLDER = Path(__file__).parents[2] / "templates" / "minimum_entropy_coupling"
SMALL: dict[str, Any] = {
    "components": 3,
    "symbols": 2,
    "source": "ciphertext",
    "source_temperature": 0.7,
    "cover_symbols": 4,
    "cover_length": 3,
    "cover_temperature": 0.8,
    "messages": 8,
}


def load(name: str) -> ModuleType:
    """Load a script of the template under its own name, as its neighbours import it."""
    if name not in sys.modules or Path(str(sys.modules[name].__file__)).parent != FOLDER:
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


channel, transcript, experiment, harness = (load(name) for name in ("channel", "transcript", "experiment", "harness"))


def configure(seed: int = 7, **changes: Any) -> tuple[Any, Any]:
    """Give a method and its task, with `changes` to the scale or to the knobs."""
    config = dataclasses.replace(experiment.Config(**SMALL), **changes)
    return config, channel.task(seed, dataclasses.asdict(config))


def likelihood(config: Any, task: Any, message: tuple[int, ...], text: tuple[int, ...]) -> float:
    """Probability that the sender of `message` writes `text`."""
    chances = []
    place = -1

    def draw(round_: Any) -> int:
        nonlocal place
        place += len(round_.step.members) == task.cover.symbols
        row = round_.step.members.index(text[place])
        column = 0 if round_.step.trivial else round_.posterior.block(message)
        label = np.array(round_.step.groups) == round_.step.groups[row]
        given = round_.matrix[:, column]
        chances.append(float(given[label].sum() / given.sum()) if given.sum() > 0 else 0.0)
        return row

    experiment.imec(config, task, draw)
    return math.prod(chances)


def law(config: Any, task: Any) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], np.ndarray]:
    """Enumerate p(text | message), shape [messages, texts]."""
    messages = list(itertools.product(range(task.source.symbols), repeat=task.source.length))
    texts = list(itertools.product(range(task.cover.symbols), repeat=task.cover.length))
    return messages, texts, np.array([[likelihood(config, task, x, y) for y in texts] for x in messages])


def chain_law(chain: Any, strings: list[tuple[int, ...]]) -> np.ndarray:
    return np.array([math.prod(chain.conditional(s[:i])[s[i]] for i in range(len(s))) for s in strings])


def bits(joint: np.ndarray) -> float:
    positive = joint[joint > 0]
    return float(-(positive * np.log2(positive)).sum())


def matrix(atoms: list[tuple[int, int, float]], shape: tuple[int, int]) -> np.ndarray:
    table = np.zeros(shape)
    for row, column, mass in atoms:
        table[row, column] += mass
    return table


def optimum(p: np.ndarray, q: np.ndarray) -> float:
    """Smallest joint entropy: entropy is concave, so it is found at a vertex of the transport polytope."""
    cells = list(itertools.product(range(p.size), range(q.size)))
    constraints = np.array([[cell[0] == i for cell in cells] for i in range(p.size)], dtype=float)
    constraints = np.vstack([constraints, [[cell[1] == j for cell in cells] for j in range(q.size - 1)]])
    wanted = np.concatenate([p, q[:-1]])
    best = math.inf
    for basis in itertools.combinations(range(len(cells)), len(wanted)):
        square = constraints[:, basis]
        if abs(np.linalg.det(square)) > 1e-9:
            masses = np.linalg.solve(square, wanted)
            if masses.min() > -1e-12:
                best = min(best, bits(masses))
    return best


def distributions(smallest: int, largest: int) -> st.SearchStrategy[np.ndarray]:
    weights = arrays(float, st.integers(smallest, largest), elements=st.floats(1e-4, 1.0))
    return weights.map(lambda w: w / w.sum())


# The couplings


@given(distributions(1, 30), distributions(1, 30))
@settings(deadline=None)
@pytest.mark.parametrize("name", ["greedy", "majorisation", "product"])
def test_a_coupling_has_exactly_the_given_marginals(name: str, p: np.ndarray, q: np.ndarray) -> None:
    table = matrix(experiment.COUPLINGS[name](p, q), (p.size, q.size))
    assert table.min() >= 0
    assert np.abs(table.sum(axis=1) - p).max() < 1e-12
    assert np.abs(table.sum(axis=0) - q).max() < 1e-12


@given(distributions(1, 40), distributions(1, 40))
@settings(deadline=None)
def test_greedy_has_fewer_atoms_than_both_supports_together(p: np.ndarray, q: np.ndarray) -> None:
    atoms = experiment.greedy(p, q)
    assert len(atoms) <= p.size + q.size - 1
    assert len({(i, j) for i, j, _ in atoms}) == len(atoms)


@given(distributions(1, 12), distributions(1, 12))
@settings(deadline=None)
def test_greedy_is_the_published_loop_over_the_largest_masses(p: np.ndarray, q: np.ndarray) -> None:
    left, right, expected = p.copy(), q.copy(), []
    while min(left.max(), right.max()) > 1e-15:
        i, j = int(left.argmax()), int(right.argmax())
        mass = min(left[i], right[j])
        expected.append((i, j, mass))
        left[i], right[j] = left[i] - mass, right[j] - mass
    table = matrix(experiment.greedy(p, q), (p.size, q.size))
    assert bits(table) == pytest.approx(bits(matrix(expected, table.shape)), abs=1e-9)


@given(distributions(2, 3), distributions(2, 3))
@settings(max_examples=60, deadline=None)
def test_greedy_is_within_the_guarantee_of_compton_et_al_of_the_optimum(p: np.ndarray, q: np.ndarray) -> None:
    best = optimum(p, q)
    found = bits(matrix(experiment.greedy(p, q), (p.size, q.size)))
    assert best - 1e-9 <= found <= best + math.log2(math.e) / math.e


@given(distributions(2, 3), distributions(2, 3))
@settings(max_examples=60, deadline=None)
def test_majorisation_is_within_one_bit_of_the_optimum(p: np.ndarray, q: np.ndarray) -> None:
    best = optimum(p, q)
    found = bits(matrix(experiment.majorisation(p, q), (p.size, q.size)))
    assert best - 1e-9 <= found <= best + 1


@given(distributions(1, 40), distributions(1, 40))
@settings(deadline=None)
def test_majorisation_is_within_one_bit_of_the_greatest_lower_bound(p: np.ndarray, q: np.ndarray) -> None:
    size = max(p.size, q.size)
    sums = [np.cumsum(np.pad(np.sort(m)[::-1], (0, size - m.size))) for m in (p, q)]
    bound = bits(np.clip(np.diff(np.minimum(*sums), prepend=0.0), 0, None))
    found = experiment.majorisation(p, q)
    assert bound - 1e-9 <= bits(matrix(found, (p.size, q.size))) <= bound + 1 + 1e-9
    assert len(found) <= 2 * size


def test_couplings_of_a_known_pair_are_known() -> None:
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.4])
    assert experiment.greedy(p, q) == [(0, 0, 0.5), (1, 1, 0.3), (2, 1, pytest.approx(0.1)), (2, 0, pytest.approx(0.1))]


# The iteration

METHODS: list[dict[str, Any]] = [
    {"algorithm": "fimec"},
    {"algorithm": "fimec", "pool": 2},
    {"algorithm": "fimec", "pool": 3},
    {"algorithm": "arimec"},
    {"algorithm": "arimec", "source": "plaintext", "symbols": 3, "components": 2},
    {"algorithm": "fimec", "coupling": "majorisation"},
    {"algorithm": "arimec", "coupling": "product"},
]


def named(method: dict[str, Any]) -> str:
    return "-".join(str(value) for value in method.values())


@pytest.mark.parametrize(
    "merging", [{"merge": False}, {"merge": True}, {"merge": True, "merge_tolerance": 0.2}], ids=named
)
@pytest.mark.parametrize("method", METHODS, ids=named)
def test_cover_texts_are_distributed_as_if_nothing_were_hidden(method: dict[str, Any], merging: dict[str, Any]) -> None:
    config, task = configure(**method, **merging)
    messages, texts, given_message = law(config, task)
    stego = chain_law(task.source, messages) @ given_message
    assert np.abs(given_message.sum(axis=1) - 1).max() < 1e-12
    assert np.abs(stego - chain_law(task.cover, texts)).sum() / 2 < 1e-12


@pytest.mark.parametrize("method", [*METHODS, {"merge": True}, {"merge": True, "algorithm": "arimec"}], ids=named)
def test_joint_entropy_is_at_least_that_of_either_marginal(method: dict[str, Any]) -> None:
    config, task = configure(**method)
    messages, _, given_message = law(config, task)
    joint = given_message * chain_law(task.source, messages)[:, None]
    assert bits(joint) >= max(task.source.entropy(), task.cover.entropy()) - 1e-9


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("method", METHODS, ids=named)
def test_the_scorers_posterior_is_the_bayes_posterior_of_every_text(method: dict[str, Any], merge: bool) -> None:  # noqa: FBT001
    config, task = configure(**method, merge=merge)
    messages, texts, given_message = law(config, task)
    joint = given_message * chain_law(task.source, messages)[:, None]
    record = experiment.run(config, task)
    for index, (text, guess) in enumerate(zip(record.texts, record.decoded, strict=True)):
        received = harness.replay(task, record, index, harness.Luck())
        posterior = joint[:, texts.index(text)] / joint[:, texts.index(text)].sum()
        assert received.open_bits[-1] == pytest.approx(bits(posterior), abs=1e-9)
        assert received.decoded_probability == pytest.approx(posterior[messages.index(guess)], abs=1e-9)


@pytest.mark.parametrize("merge", [False, True])
def test_the_measured_residual_estimates_the_enumerated_one(merge: bool) -> None:  # noqa: FBT001
    config, task = configure(merge=merge, messages=1500)
    messages, texts, given_message = law(config, task)
    joint = given_message * chain_law(task.source, messages)[:, None]
    enumerated = bits(joint) - task.cover.entropy()
    spread = np.std([bits(joint[:, i] / joint[:, i].sum()) for i in range(len(texts))])
    measured = harness.score(task, experiment.run(config, task))["residual_entropy"]
    assert abs(measured - enumerated) < 5 * max(spread, 0.05) / math.sqrt(1500)


@pytest.mark.parametrize("merge", [False, True])
def test_the_three_algorithms_agree_on_a_message_of_one_component(merge: bool) -> None:  # noqa: FBT001
    laws = [
        law(*configure(components=1, symbols=6, merge=merge, **method))[2]
        for method in ({"algorithm": "fimec"}, {"algorithm": "fimec", "pool": 3}, {"algorithm": "arimec"})
    ]
    assert np.abs(laws[0] - laws[1]).max() < 1e-12
    assert np.abs(laws[0] - laws[2]).max() < 1e-9


def partitions(algorithm: str) -> list[tuple[int, ...]]:
    """All that may be coupled of four components with three values."""
    if algorithm == "fimec":
        return [(component,) for component in range(4)]
    return [prefix for depth in range(4) for prefix in itertools.product(range(3), repeat=depth)]


@pytest.mark.parametrize("method", [{"algorithm": "fimec"}, {"algorithm": "arimec", "source": "plaintext"}], ids=named)
def test_each_coupling_takes_a_partition_of_the_largest_entropy(method: dict[str, Any]) -> None:
    config, task = configure(**method, components=4, symbols=3, cover_length=8, seed=3, messages=5)
    record = experiment.run(config, task)
    for text, steps in zip(record.texts, record.steps, strict=True):
        posterior = (harness.FactoredPosterior if config.algorithm == "fimec" else harness.TreePosterior)(task)
        for symbol, step in zip(text, steps, strict=True):
            if step.trivial:
                break
            blocks = posterior.blocks(step.partition)
            most = max(bits(posterior.blocks(partition)) for partition in partitions(config.algorithm))
            assert bits(blocks) == pytest.approx(most, abs=1e-7)
            seen = matrix(list(step.atoms), (task.cover.symbols, blocks.size))[symbol]
            posterior.update(step.partition, np.divide(seen / seen.sum(), blocks, out=0 * blocks, where=blocks > 0))


@pytest.mark.parametrize(
    "method",
    [{}, {"merge": True}, {"pool": 2}, {"algorithm": "arimec"}, {"algorithm": "arimec", "merge": True}],
    ids=named,
)
def test_messages_are_read_back_when_the_cover_has_room(method: dict[str, Any]) -> None:
    config, task = configure(**method, components=6, cover_symbols=8, cover_length=24)
    rng = np.random.default_rng(11)
    for _ in range(10):
        message = tuple(rng.integers(0, 2, size=6).tolist())
        assert experiment.decode(config, task, experiment.encode(config, task, message, rng)) == message


def test_a_plaintext_is_read_back_by_its_own_source() -> None:
    config, task = configure(
        algorithm="arimec",
        source="plaintext",
        source_temperature=0.3,
        components=8,
        symbols=12,
        cover_symbols=8,
        cover_length=30,
    )
    rng = np.random.default_rng(5)
    message: tuple[int, ...] = ()
    while len(message) < 8:
        message = (*message, int(rng.choice(12, p=task.source.conditional(message))))
    assert experiment.decode(config, task, experiment.encode(config, task, message, rng)) == message


def test_fimec_says_that_a_plaintext_has_no_independent_components() -> None:
    config, task = configure(source="plaintext")
    with pytest.raises(ValueError, match="independent components"):
        experiment.run(config, task)


def test_pooling_beyond_what_one_coupling_can_hold_is_refused() -> None:
    config, task = configure(pool=2, symbols=256)
    with pytest.raises(ValueError, match="pool fewer"):
        experiment.run(config, task)


def residual(**changes: Any) -> float:
    config, task = configure(messages=60, **changes)
    return float(harness.score(task, experiment.run(config, task))["residual_entropy"])


def test_merging_recovers_what_many_small_components_waste() -> None:
    many = {"components": 12, "cover_symbols": 8, "cover_length": 7}
    one = {"components": 1, "symbols": 64, "cover_symbols": 8, "cover_length": 4}
    assert residual(**many, merge=True) < residual(**many) - 3
    assert abs(residual(**one, merge=True) - residual(**one)) < 0.3


def test_the_product_coupling_conveys_nothing() -> None:
    assert residual(coupling="product") == pytest.approx(3.0, abs=1e-9)
    assert residual(coupling="product", merge=True) == pytest.approx(3.0, abs=1e-9)


def test_a_longer_cover_leaves_less_open() -> None:
    lengths = [residual(components=10, merge=True, cover_symbols=6, cover_length=length) for length in (2, 5, 10)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < 0.5 < lengths[1]
