"""Schemas of answers, as providers take them."""

from __future__ import annotations

import json
from typing import TypeAlias

from pydantic import JsonValue

from agent.llm import Shape

Json: TypeAlias = dict[str, JsonValue]

KEPT = {"type", "enum", "const", "description", "$ref"}
"""Keywords that every provider's structured output takes, besides those that hold schemas."""
DROPPED = {"title", "default", "discriminator", "additionalProperties", "required", "examples"}
"""Those that say nothing about what an answer must be, or are said otherwise."""


class LooseSchemaError(ValueError):
    """A schema cannot be put strictly: it leaves names or forms open."""


def strict(schema: Json) -> Json | None:
    """Put a schema in the part of JSON Schema that providers enforce; None when that cannot be done.

    Every object is closed and every property required; what providers cannot enforce, such as a length, is told in the
    description.
    """
    try:
        return closed(schema)
    except LooseSchemaError:
        return None


def closed(schema: Json) -> Json:
    """Close a schema; raises `LooseSchemaError`."""
    made: Json = {name: value for name, value in schema.items() if name in KEPT}
    told: Json = {}
    for name, value in schema.items():
        match name, value:
            case ("$defs" | "properties", dict()):
                made[name] = {key: closed(as_object(each)) for key, each in value.items()}
            case "items", dict():
                made[name] = closed(value)
            case ("anyOf" | "oneOf" | "allOf", list()):
                made["anyOf"] = [closed(as_object(each)) for each in alternatives(name, value)]
            case _ if name not in KEPT | DROPPED:
                told[name] = value
    if schema.get("type") == "object":
        made |= closed_object(schema)
    return referring(described(made, told))


def closed_object(schema: Json) -> Json:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or isinstance(schema.get("additionalProperties"), dict):
        raise LooseSchemaError("An object with names of its author's choice.")
    return {"additionalProperties": False, "required": list(properties)}


def alternatives(name: str, schemas: list[JsonValue]) -> list[JsonValue]:
    if name == "allOf" and len(schemas) > 1:
        raise LooseSchemaError("Several schemas that hold at once.")
    return schemas


def as_object(schema: JsonValue) -> Json:
    if not isinstance(schema, dict):
        raise LooseSchemaError("A schema that is just true or false.")
    return schema


def described(schema: Json, told: Json) -> Json:
    if "prefixItems" in told or ("type" not in schema and not schema.keys() & {"anyOf", "enum", "const", "$ref"}):
        raise LooseSchemaError("A form that no provider enforces.")
    if not told:
        return schema
    words = ", ".join(f"{name} {json.dumps(value)}" for name, value in told.items())
    return schema | {"description": f"{schema.get('description', '')} ({words})".strip()}


def referring(schema: Json) -> Json:
    """Keep a reference alone, as providers want it; what is said beside it goes around it."""
    if "$ref" not in schema or len(schema.keys() - {"$defs"}) == 1:
        return schema
    beside = {name: value for name, value in schema.items() if name != "$ref"}
    return beside | {"anyOf": [{"$ref": schema["$ref"]}]}


def in_words(shape: Shape) -> str:
    """Ask for the shape in the prompt itself."""
    schema = json.dumps(shape.json_schema, separators=(",", ":"), ensure_ascii=False)
    return f"Answer with one JSON object in a ```json fence and nothing else. It must fit this JSON schema:\n{schema}"
