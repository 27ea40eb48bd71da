"""A setting: where the value of a knob stands in Python source, read and rewritten without running it."""

from __future__ import annotations

import ast
import builtins
import json
from functools import lru_cache
from typing import NamedTuple

from templates.space import ExpressionKnob, FloatKnob, Knob, Value


class Setting(NamedTuple):
    """A value and its place in the source's bytes."""

    value: Value
    start: int
    end: int


def find(text: str, knob: Knob) -> Setting | None:
    """Find the default of the `Config` field, or the returned expression of the function, that `knob` names.

    None when the source has none that is a literal, or one `return` after an optional docstring. Raises `SyntaxError`.
    """
    module = _parsed(text)
    if isinstance(knob, ExpressionKnob):
        returned = _returned(module, knob)
        return None if returned is None else _setting(text, returned, _one_line(text, returned))
    default = _defaults(module).get(knob.name)
    value = None if default is None else _literal(default)
    if default is None or value is None:
        return None
    whole_float = isinstance(knob, FloatKnob) and type(value) is int
    return _setting(text, default, float(value) if whole_float else value)


def replace(text: str, setting: Setting, knob: Knob, value: Value) -> str:
    """Write `value` in the place of `setting`; every other byte stays."""
    source = text.encode()
    return (source[: setting.start] + _spelled(knob, value).encode() + source[setting.end :]).decode()


def fields(text: str) -> tuple[str, ...]:
    """Name the fields of the class `Config`."""
    return tuple(field.target.id for field in _fields(_parsed(text)) if isinstance(field.target, ast.Name))


def arguments(text: str, function: str) -> tuple[str, ...] | None:
    """Name the arguments of a top-level function; None when there is no such function."""
    found = _function(_parsed(text), function)
    return None if found is None else tuple(argument.arg for argument in found.args.posonlyargs + found.args.args)


def callables(text: str) -> frozenset[str]:
    """Name all that a top-level function can call by a bare name: what is imported, defined, assigned or built in."""
    bound = set(dir(builtins))
    for part in _parsed(text).body:
        match part:
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                bound |= {alias.asname or alias.name for alias in names}
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Assign(targets=targets):
                bound |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(bound)


@lru_cache(maxsize=32)
def _parsed(text: str) -> ast.Module:
    """Parse once what is read for one knob after the other; nobody changes the tree."""
    return ast.parse(text)


def _fields(module: ast.Module) -> list[ast.AnnAssign]:
    classes = [part for part in module.body if isinstance(part, ast.ClassDef) and part.name == "Config"]
    return [field for part in classes for field in part.body if isinstance(field, ast.AnnAssign)]


def _defaults(module: ast.Module) -> dict[str, ast.expr]:
    return {
        field.target.id: field.value
        for field in _fields(module)
        if isinstance(field.target, ast.Name) and field.value is not None
    }


def _function(module: ast.Module, name: str) -> ast.FunctionDef | None:
    return next((part for part in module.body if isinstance(part, ast.FunctionDef) and part.name == name), None)


def _returned(module: ast.Module, knob: ExpressionKnob) -> ast.expr | None:
    function = _function(module, knob.name)
    if function is None:
        return None
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    match body:
        case [ast.Return(value=ast.expr() as value)]:
            return value
    return None


def _literal(node: ast.expr) -> Value | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, bool | int | float | str) else None


def _one_line(text: str, node: ast.expr) -> str:
    written = ast.get_source_segment(text, node) or ""
    return ast.unparse(node) if "\n" in written else written


def _setting(text: str, node: ast.expr, value: Value) -> Setting:
    if node.end_lineno is None or node.end_col_offset is None:
        raise AssertionError("The parser gave a node without an end.")
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    start = starts[node.lineno - 1] + node.col_offset
    return Setting(value, start, starts[node.end_lineno - 1] + node.end_col_offset)


def _spelled(knob: Knob, value: Value) -> str:
    if isinstance(knob, ExpressionKnob):
        return " ".join(str(value).split())
    if isinstance(knob, FloatKnob):
        return repr(float(value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
