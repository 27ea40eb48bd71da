from __future__ import annotations

import ast
import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from templates import grammar, space
from templates.space import BoolKnob, ChoiceKnob, ExpressionKnob, FloatKnob, IntKnob, Knob

STEP = FloatKnob(kind="float", name="step", description="", low=0.001, high=10.0, scale="log")
SHIFT = FloatKnob(kind="float", name="shift", description="", low=-3.0, high=3.0)
FINE = FloatKnob(kind="float", name="fine", description="", low=1.00004, high=1.00036)
COUNT = IntKnob(kind="int", name="count", description="", low=1, high=3)
WIDTH = IntKnob(kind="int", name="width", description="", low=1, high=4096, scale="log")
RULE = ChoiceKnob(kind="choice", name="rule", description="", choices=("greedy", "fair", 3))
MERGE = BoolKnob(kind="bool", name="merge", description="")
SCORE = ExpressionKnob(
    kind="expression",
    name="score",
    description="",
    inputs={"a": "one", "b": "two", "c": "three"},
    functions=("log2", "minimum", "sqrt"),
    max_nodes=11,
)
SMALL = ExpressionKnob(kind="expression", name="small", description="", inputs={"a": "one"}, max_nodes=3)

knobs = st.sampled_from([STEP, SHIFT, FINE, COUNT, WIDTH, RULE, MERGE, SCORE, SMALL])


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 (a search, not a secret)


rngs = st.integers(0, 2**32).map(seeded)


@given(knobs, rngs)
def test_a_drawn_value_is_admissible(knob: Knob, rng: random.Random) -> None:
    assert space.fault(knob, space.draw(knob, rng)) is None


@given(knobs, rngs)
def test_a_mutated_value_is_admissible_and_another_point(knob: Knob, rng: random.Random) -> None:
    value = space.draw(knob, rng)
    mutated = space.mutate(knob, value, rng)
    assert space.fault(knob, mutated) is None
    assert space.difference(knob, value, mutated) > 0


@given(knobs, rngs)
def test_a_crossed_value_is_admissible(knob: Knob, rng: random.Random) -> None:
    a, b = space.draw(knob, rng), space.draw(knob, rng)
    assert space.fault(knob, space.cross(knob, a, b, rng)) is None


@given(st.sampled_from([STEP, SHIFT, WIDTH]), rngs)
def test_crossed_numbers_lie_between_their_parents(knob: FloatKnob | IntKnob, rng: random.Random) -> None:
    a, b = space.draw(knob, rng), space.draw(knob, rng)
    child = space.cross(knob, a, b, rng)
    slack = 1e-3 * abs(float(child))
    assert min(a, b) - slack <= child <= max(a, b) + slack  # type: ignore[operator]


@given(rngs)
def test_crossed_expressions_hold_parts_of_their_parents_only(rng: random.Random) -> None:
    a, b = str(space.draw(SCORE, rng)), str(space.draw(SCORE, rng))
    leaves = [
        {
            ast.unparse(part)
            for part in grammar.subtrees(grammar.parse(text))
            if isinstance(part, ast.Name | ast.Constant)
        }
        for text in (a, b, str(space.cross(SCORE, a, b, rng)))
    ]
    assert leaves[2] <= leaves[0] | leaves[1]


def test_the_same_random_numbers_give_the_same_values() -> None:
    first, second = seeded(7), seeded(7)
    for knob in (STEP, WIDTH, RULE, MERGE, SCORE):
        assert [space.draw(knob, first) for _ in range(20)] == [space.draw(knob, second) for _ in range(20)]


def test_draws_reach_every_choice_and_both_ends_of_a_log_scale() -> None:
    rng = seeded(1)
    assert {space.draw(RULE, rng) for _ in range(100)} == {"greedy", "fair", 3}
    steps = [float(space.draw(STEP, rng)) for _ in range(400)]
    assert 0.15 < sum(step < 0.01 for step in steps) / 400 < 0.35, "a quarter of four decades"


def test_mutations_of_a_number_stay_near_it_more_often_than_draws_do() -> None:
    rng = seeded(2)
    mutated = [space.difference(STEP, 0.1, space.mutate(STEP, 0.1, rng)) for _ in range(300)]
    drawn = [space.difference(STEP, 0.1, space.draw(STEP, rng)) for _ in range(300)]
    assert sum(mutated) < 0.6 * sum(drawn)


def test_mutations_of_an_expression_vary() -> None:
    rng = seeded(3)
    assert len({space.mutate(SCORE, "a + b * 0.5", rng) for _ in range(200)}) > 80


@pytest.mark.parametrize(
    ("knob", "value", "reason"),
    [
        (STEP, 11.0, "outside"),
        (STEP, "0.1", "not a number"),
        (STEP, True, "not a number"),
        (COUNT, 2.0, "not a whole number"),
        (RULE, "best", "none of"),
        (RULE, 3.0, "none of"),
        (MERGE, 1, "neither true nor false"),
        (SCORE, 3, "not an expression"),
        (SCORE, "a +", "does not parse"),
        (SCORE, "d + a", "'d'"),
        (SCORE, "exp(a)", "none of its functions"),
        (SCORE, "minimum(a)", "otherwise than with 2"),
        (SCORE, "sqrt(x=a)", "otherwise than with"),
        (SCORE, "sqrt(*a)", "otherwise than with"),
        (SCORE, "a ** b", "Pow"),
        (SCORE, "~a", "Invert"),
        (SCORE, "a if b else c", "IfExp"),
        (SCORE, "a < b", "Compare"),
        (SCORE, "(a, b)", "Tuple"),
        (SCORE, "a.real", "Attribute"),
        (SCORE, "(lambda: a)()", "calls"),
        (SCORE, "[a for a in b]", "ListComp"),
        (SCORE, "a + True", "True"),
        (SCORE, "a + 'b'", "'b'"),
        (SCORE, "a + 1e999", "no number between"),
        (SCORE, "a + 2j", "2j"),
        (SCORE, "a / 0", "divides by zero"),
        (SCORE, "a / (b - b)", "divides by zero"),
        (SCORE, "1 + 2", "none of its inputs"),
        (SCORE, "a - a + 1", "none of its inputs"),
        (SCORE, "a+a+a+a+a+a+a", "13 nodes"),
        (SCORE, "-" * 400 + "a", "nodes"),
        (SCORE, "(" * 210 + "a" + ")" * 210, "does not parse"),
        (SCORE, "a" * 100_000, "characters"),
        (SCORE, "a + " + "9" * 400, "no number between"),
        (SCORE, "a; import os", "does not parse"),
        (SCORE, "a\0b", "does not parse"),
    ],
)
def test_a_value_outside_the_space_is_refused_with_the_reason(knob: Knob, value: space.Value, reason: str) -> None:
    assert reason in (space.fault(knob, value) or "")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a+b", "  a +\tb"),
        ("a+b", "b + a"),
        ("a*b*c", "c*(b*a)"),
        ("a + (b + c)", "(c + a) + b"),
        ("a - b", "-b + a"),
        ("-(a - b)", "b - a"),
        ("a + a", "2*a"),
        ("2*a/4", "a*0.5"),
        ("a + 1 + 2", "3.0 + a"),
        ("a*(2+3)", "5*a"),
        ("2*(a+b)", "2*a + b*2"),
        ("minimum(a, b)", "minimum(b, a)"),
        ("sqrt(a + b) * c", "c * sqrt(b + a)"),
        ("a / b / c", "a / (c * b)"),
        ("a + 0", "a"),
        ("a * 1", "--a"),
    ],
)
def test_equal_expressions_are_one_point(one: str, other: str) -> None:
    assert space.canonical(SCORE, one) == space.canonical(SCORE, other)
    assert space.difference(SCORE, one, other) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [("a - b", "b - a"), ("a / b", "b / a"), ("a*b + c", "a*(b + c)"), ("sqrt(a)", "log2(a)"), ("a", "a + 0.1")],
)
def test_different_expressions_are_two_points(one: str, other: str) -> None:
    assert space.canonical(SCORE, one) != space.canonical(SCORE, other)


@given(rngs)
def test_a_canonical_expression_is_its_own(rng: random.Random) -> None:
    text = str(space.draw(SCORE, rng))
    assert space.canonical(SCORE, space.canonical(SCORE, text)) == space.canonical(SCORE, text)


def evaluated(text: str, at: dict[str, float]) -> float:
    functions = {"log2": math.log2, "sqrt": math.sqrt, "minimum": min}
    return float(eval(text, {"__builtins__": {}}, {**functions, **at}))  # noqa: S307 (texts of the grammar above)


@given(rngs, st.floats(0.5, 2), st.floats(0.5, 2), st.floats(0.5, 2))
def test_a_canonical_expression_has_the_same_value(rng: random.Random, a: float, b: float, c: float) -> None:
    text, at = str(space.draw(SCORE, rng)), {"a": a, "b": b, "c": c}
    try:
        value = evaluated(text, at)
        same = evaluated(str(space.canonical(SCORE, text)), at)
    except (ZeroDivisionError, ValueError, OverflowError):
        assume(False)
    assume(abs(value) < 1e6)
    assert same == pytest.approx(value, rel=1e-5, abs=1e-5)


def test_equal_numbers_are_one_point_whatever_their_type() -> None:
    assert space.canonical(STEP, 1) == space.canonical(STEP, 1.0000000001)
    assert space.difference(SHIFT, -3.0, 3.0) == 1
