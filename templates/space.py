"""A design space: the typed knobs a researcher may turn in a template, and the ways to turn them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import chain
from typing import Annotated, Final, Literal, assert_never

from pydantic import Field

from sandboxes.record import Record
from templates import expression, grammar

Value = bool | int | float | str
"""A knob's setting; an expression is its source text."""

_STEP: Final = 0.15
"""Standard deviation of a mutation, as a share of the knob's range in its scale."""
_ATTEMPTS: Final = 100


class FloatKnob(Record):
    kind: Literal["float"]
    name: str
    description: str
    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"


class IntKnob(Record):
    kind: Literal["int"]
    name: str
    description: str
    low: int
    high: int
    scale: Literal["linear", "log"] = "linear"


class ChoiceKnob(Record):
    kind: Literal["choice"]
    name: str
    description: str
    choices: tuple[str | int, ...] = Field(min_length=2)


class BoolKnob(Record):
    kind: Literal["bool"]
    name: str
    description: str


class ExpressionKnob(Record):
    """A function of named inputs in the editable source, whose one `return` the researcher may rewrite."""

    kind: Literal["expression"]
    name: str
    """The function's name in the editable source."""
    description: str
    inputs: dict[str, str] = Field(min_length=1)
    """Argument name to meaning."""
    functions: tuple[str, ...] = ()
    """Callable names the expression may use, e.g. `log2`, `minimum`; `grammar.TWO_ARGUMENTS` says which take two."""
    max_nodes: int = Field(default=15, ge=3, le=63)


NumberKnob = FloatKnob | IntKnob
Knob = Annotated[FloatKnob | IntKnob | ChoiceKnob | BoolKnob | ExpressionKnob, Field(discriminator="kind")]


def draw(knob: Knob, rng: random.Random) -> Value:
    """Pick a value, uniform in the knob's scale."""
    match knob:
        case FloatKnob() | IntKnob():
            return _at(knob, rng.random())
        case ChoiceKnob():
            return rng.choice(knob.choices)
        case BoolKnob():
            return rng.choice((False, True))
        case ExpressionKnob():
            return expression.draw(knob, rng)
        case _:
            assert_never(knob)


def mutate(knob: Knob, value: Value, rng: random.Random) -> Value:
    """Turn the knob a little: a Gaussian step in its scale, another choice, a changed subtree; never `value` itself."""
    match knob:
        case FloatKnob() | IntKnob():
            return _different(knob, value, lambda: _at(knob, rng.gauss(_place(knob, value), _STEP)), rng)
        case ChoiceKnob():
            return rng.choice([choice for choice in knob.choices if choice != value])
        case BoolKnob():
            return not value
        case ExpressionKnob():
            return expression.mutate(knob, str(value), rng)
        case _:
            assert_never(knob)


def cross(knob: Knob, a: Value, b: Value, rng: random.Random) -> Value:
    """Combine two values: a point between two numbers, one of two choices, a subtree of one expression in the other."""
    match knob:
        case FloatKnob() | IntKnob():
            return _at(knob, rng.uniform(_place(knob, a), _place(knob, b)))
        case ChoiceKnob() | BoolKnob():
            return rng.choice((a, b))
        case ExpressionKnob():
            return expression.cross(knob, str(a), str(b), rng)
        case _:
            assert_never(knob)


def fault(knob: Knob, value: Value) -> str | None:
    """Say why `value` is not admissible, or None when it is."""
    match knob:
        case FloatKnob() | IntKnob():
            return _number_fault(knob, value)
        case ChoiceKnob():
            fits = any(type(value) is type(choice) and value == choice for choice in knob.choices)
            return None if fits else f"{value!r} is none of {', '.join(map(repr, knob.choices))}"
        case BoolKnob():
            return None if isinstance(value, bool) else f"{value!r} is neither true nor false"
        case ExpressionKnob():
            wrong = grammar.fault(knob, value) if isinstance(value, str) else "is not an expression's text"
            return None if wrong is None else f"{value!r} {wrong}"
        case _:
            assert_never(knob)


def canonical(knob: Knob, value: Value) -> Value:
    """Give equal points one spelling: numbers to six digits, expressions in their normal form."""
    match knob:
        case FloatKnob():
            return float(f"{value:.6g}")
        case ExpressionKnob():
            return grammar.canonical(str(value))
        case _:
            return value


def difference(knob: Knob, a: Value, b: Value) -> float:
    """Measure how far apart two values are, from 0 for equal points to 1; numbers by their share of the range."""
    if canonical(knob, a) == canonical(knob, b):
        return 0.0
    match knob:
        case FloatKnob() | IntKnob():
            return abs(_place(knob, a) - _place(knob, b))
        case _:
            return 1.0


def _number_fault(knob: NumberKnob, value: Value) -> str | None:
    wanted = int if isinstance(knob, IntKnob) else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted):
        return f"{value!r} is not {'a whole number' if isinstance(knob, IntKnob) else 'a number'}"
    return None if knob.low <= value <= knob.high else f"{value!r} is outside {knob.low:g} … {knob.high:g}"


def _place(knob: NumberKnob, value: Value) -> float:
    """Map a value to [0, 1] along the knob's scale."""
    if knob.scale == "log":
        return math.log(float(value) / knob.low) / math.log(knob.high / knob.low)
    return (float(value) - knob.low) / (knob.high - knob.low)


def _at(knob: NumberKnob, place: float) -> int | float:
    """Invert `_place`, clipped to the range; a float has four digits, so that a paper can print it whole."""
    place = min(max(place, 0.0), 1.0)
    exact = knob.low * (knob.high / knob.low) ** place if knob.scale == "log" else _between(knob, place)
    rounded = round(exact) if isinstance(knob, IntKnob) else float(f"{exact:.4g}")
    return min(max(rounded, knob.low), knob.high)


def _between(knob: NumberKnob, place: float) -> float:
    return knob.low + (knob.high - knob.low) * place


def _different(knob: NumberKnob, value: Value, step: Callable[[], Value], rng: random.Random) -> Value:
    """Repeat a step until it leaves `value`; then take a neighbour of it, for a range too small for the step."""
    steps = (step() for _ in range(_ATTEMPTS))
    ends = rng.sample((knob.low, knob.high), 2)
    return next(new for new in chain(steps, ends) if canonical(knob, new) != canonical(knob, value))
