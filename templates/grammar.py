"""A grammar: the arithmetic an expression may be made of, small enough to search and to read.

Named inputs, numbers, `+ - * /`, unary minus, parentheses, and calls of named functions. Nothing here evaluates an
expression; that happens in a sandbox only.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, Protocol

from templates.normal_form import normal

TWO_ARGUMENTS: Final = frozenset(
    {"min", "max", "minimum", "maximum", "pow", "power", "hypot", "atan2", "arctan2", "fmod", "copysign", "logaddexp"}
)
"""Functions that take two arguments; every other one is called with one when an expression is grown."""

_TEXT_PER_NODE: Final = 40
_SMALLEST: Final = 1e-9
_LARGEST: Final = 1e9


class Grammar(Protocol):
    """What an expression may be made of."""

    @property
    def inputs(self) -> dict[str, str]: ...

    @property
    def functions(self) -> tuple[str, ...]: ...

    @property
    def max_nodes(self) -> int: ...


def fault(grammar: Grammar, text: str) -> str | None:
    """Say why `text` is outside the grammar, or None when it is within."""
    if len(text) > _TEXT_PER_NODE * grammar.max_nodes:
        return f"has {len(text)} characters, more than {_TEXT_PER_NODE * grammar.max_nodes}"
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"does not parse: {error}"
    if (count := size(tree)) > grammar.max_nodes:
        return f"has {count} nodes, more than {grammar.max_nodes}"
    misfits = (misfit for part in subtrees(tree) if (misfit := _misfit(grammar, part)) is not None)
    return next(misfits, None) or _indifference(grammar, tree)


def _misfit(grammar: Grammar, part: ast.expr) -> str | None:
    """Say what is wrong with a node, leaving its operands aside."""
    match part:
        case ast.Name(id=name):
            known = ", ".join(grammar.inputs)
            return None if name in grammar.inputs else f"uses {name!r}, which is none of its inputs {known}"
        case ast.Constant(value=value):
            return None if _is_number(value) else f"holds {value!r}, no number between {_SMALLEST:g} and {_LARGEST:g}"
        case ast.Call():
            return _wrong_call(grammar, part)
        case ast.UnaryOp() | ast.BinOp():
            return _wrong_operation(part)
    return f"uses {type(part).__name__}, which is no arithmetic"


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (value == 0 or _SMALLEST <= value <= _LARGEST)
    )


def _wrong_operation(part: ast.UnaryOp | ast.BinOp) -> str | None:
    match part:
        case ast.BinOp(op=ast.Div(), right=divisor) if ast.unparse(normal(divisor)) == "0":
            return "divides by zero"
        case ast.UnaryOp(op=ast.USub()) | ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
            return None
    return f"uses the operator {type(part.op).__name__}; only + - * / and unary minus are known"


def _wrong_call(grammar: Grammar, call: ast.Call) -> str | None:
    if not isinstance(call.func, ast.Name) or call.func.id not in grammar.functions:
        known = ", ".join(grammar.functions) or "(none)"
        return f"calls {ast.unparse(call.func)}, which is none of its functions {known}"
    wanted = (2,) if call.func.id in TWO_ARGUMENTS else (1, 2)
    if call.keywords or any(isinstance(part, ast.Starred) for part in call.args) or len(call.args) not in wanted:
        return f"calls {call.func.id} otherwise than with {' or '.join(map(str, wanted))} plain arguments"
    return None


def _indifference(grammar: Grammar, tree: ast.expr) -> str | None:
    if any(isinstance(part, ast.Name) for part in subtrees(normal(tree))):
        return None
    return f"depends on none of its inputs {', '.join(grammar.inputs)}"


def canonical(text: str) -> str:
    """Spell an expression of the grammar so that equal ones read the same; see `normal_form`."""
    return ast.unparse(normal(parse(text)))


def parse(text: str) -> ast.expr:
    """Parse one expression; raises `SyntaxError` when it is none."""
    return ast.parse(text.strip(), mode="eval").body


def size(tree: ast.expr) -> int:
    """Count the operations, calls, names and numbers; a signed number is one."""
    parts = [part for part in ast.walk(tree) if isinstance(part, ast.expr)]
    callees = sum(isinstance(part, ast.Call) for part in parts)
    signs = sum(isinstance(part, ast.UnaryOp) and isinstance(part.operand, ast.Constant) for part in parts)
    return len(parts) - callees - signs


def subtrees(tree: ast.expr) -> Iterator[ast.expr]:
    """Yield the expression and all it is made of, without the names of called functions."""
    yield tree
    match tree:
        case ast.BinOp(left=left, right=right):
            yield from subtrees(left)
            yield from subtrees(right)
        case ast.UnaryOp(operand=operand):
            yield from subtrees(operand)
        case ast.Call(args=args):
            for argument in args:
                yield from subtrees(argument)
