from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field

from agent.llms import schema
from sandboxes.record import Record


class Inner(Record):
    """Something inside."""

    weight: float = Field(ge=0, le=1)


class Outer(Record):
    kind: Literal["a", "b"] = "a"
    inner: Inner = Field(description="The inner one.")
    more: tuple[Inner, ...] = Field(default=(), max_length=3)
    note: str | None = None


def test_every_object_is_closed_and_every_property_required() -> None:
    closed = schema.strict(Outer.model_json_schema())
    assert closed is not None
    assert closed["additionalProperties"] is False
    assert closed["required"] == ["kind", "inner", "more", "note"]
    assert closed["$defs"] == {
        "Inner": {
            "type": "object",
            "description": "Something inside.",
            "properties": {"weight": {"type": "number", "description": "(maximum 1, minimum 0)"}},
            "additionalProperties": False,
            "required": ["weight"],
        }
    }


def test_what_cannot_be_enforced_is_told_and_a_reference_stands_alone() -> None:
    closed = schema.strict(Outer.model_json_schema())
    assert closed is not None
    properties = closed["properties"]
    assert properties == {
        "kind": {"type": "string", "enum": ["a", "b"]},
        "inner": {"description": "The inner one.", "anyOf": [{"$ref": "#/$defs/Inner"}]},
        "more": {"type": "array", "items": {"$ref": "#/$defs/Inner"}, "description": "(maxItems 3)"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    }


def test_what_a_strict_answer_says_is_what_the_form_takes() -> None:
    answer = '{"kind": "b", "inner": {"weight": 0.5}, "more": [], "note": null}'
    assert Outer.model_validate_json(answer).inner.weight == 0.5


class ByName(Record):
    files: dict[str, str]


class Pair(Record):
    pair: tuple[int, str]


class Anything(Record):
    value: object


@pytest.mark.parametrize("form", [ByName, Pair, Anything])
def test_a_form_that_is_left_open_is_not_made_strict(form: type[Record]) -> None:
    assert schema.strict(form.model_json_schema()) is None


def test_the_schema_itself_is_left_as_it_was() -> None:
    given = Outer.model_json_schema()
    schema.strict(given)
    assert given == Outer.model_json_schema()
