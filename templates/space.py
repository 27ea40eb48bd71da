"""A design space: the typed knobs a researcher may turn in a template."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sandboxes.record import Record

Value = bool | int | float | str
"""A knob's setting; an expression is its source text."""


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
    inputs: dict[str, str]
    """Argument name to meaning."""
    functions: tuple[str, ...] = ()
    """Callable names the expression may use, with one or two arguments, e.g. `log2`, `minimum`."""
    max_nodes: int = 15


Knob = Annotated[FloatKnob | IntKnob | ChoiceKnob | BoolKnob | ExpressionKnob, Field(discriminator="kind")]
