"""An expression of a grammar: grown, varied and crossed as genetic programming does (Koza 1992)."""

from __future__ import annotations

import ast
import math
import random
from collections.abc import Iterator
from itertools import chain
from typing import Final

from templates.grammar import TWO_ARGUMENTS, Grammar, canonical, fault, parse, size, subtrees

_OPERATORS: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_CONSTANTS: Final = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_ATTEMPTS: Final = 200
_LARGEST_GRAFT: Final = 5
_NUDGE: Final = 0.5
"""Standard deviation of a nudged number's logarithm."""
_P_LEAF: Final = 0.2
_P_CONSTANT: Final = 0.3
_KINDS: Final = {"joined": 6, "called": 3, "negated": 1}
"""How often a node of two operands, a call and a minus are grown, relative to each other."""


def draw(grammar: Grammar, rng: random.Random) -> str:
    """Grow an expression of the grammar."""
    grown = (ast.unparse(_grow(grammar, rng, rng.randint(1, grammar.max_nodes))) for _ in range(_ATTEMPTS))
    return next((text for text in grown if fault(grammar, text) is None), rng.choice(sorted(grammar.inputs)))


def mutate(grammar: Grammar, text: str, rng: random.Random) -> str:
    """Replace a subtree by a small new one, or a number by a near one; the result is not equal to `text`."""
    tree, old = parse(text), canonical(text)
    candidates = chain(_moves(grammar, tree, rng), _shifts(grammar))
    return next(new for new in candidates if fault(grammar, new) is None and canonical(new) != old)


def cross(grammar: Grammar, first: str, second: str, rng: random.Random) -> str:
    """Put a subtree of `second` in the place of one of `first`; `first` itself when none fits."""
    here, there = list(subtrees(parse(first))), list(subtrees(parse(second)))
    children = (_swapped(here[0], rng.choice(here), rng.choice(there)) for _ in range(_ATTEMPTS))
    return next((child for child in children if fault(grammar, child) is None), first)


def _moves(grammar: Grammar, tree: ast.expr, rng: random.Random) -> Iterator[str]:
    for _ in range(_ATTEMPTS):
        yield rng.choice((_grafted, _grafted, _nudged))(grammar, tree, rng)


def _shifts(grammar: Grammar) -> Iterator[str]:
    """Yield expressions of three nodes or fewer, of which no more than one equals a given one."""
    for name in sorted(grammar.inputs):
        yield name
        yield f"{name} + 1.0"


def _grafted(grammar: Grammar, tree: ast.expr, rng: random.Random) -> str:
    old = rng.choice(list(subtrees(tree)))
    room = grammar.max_nodes - size(tree) + size(old)
    return _swapped(tree, old, _grow(grammar, rng, rng.randint(1, max(1, min(room, _LARGEST_GRAFT)))))


def _nudged(grammar: Grammar, tree: ast.expr, rng: random.Random) -> str:
    """Scale one number by a factor near one; without a number, graft."""
    numbers = [part for part in subtrees(tree) if isinstance(part, ast.Constant)]
    if not numbers:
        return _grafted(grammar, tree, rng)
    old = rng.choice(numbers)
    near = float(ast.literal_eval(old)) * math.exp(rng.gauss(0, _NUDGE))
    return _swapped(tree, old, ast.Constant(float(f"{near:.2g}")))


class _Swap(ast.NodeTransformer):
    """Put one node in the place of another, found by identity."""

    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _swapped(tree: ast.expr, old: ast.expr, new: ast.expr) -> str:
    """Write `tree` with `old` replaced; `tree` stays as it is."""
    text = ast.unparse(_Swap(old, new).visit(tree))
    _Swap(new, old).visit(tree)
    return text


def _grow(grammar: Grammar, rng: random.Random, room: int) -> ast.expr:
    """Grow a tree of at most `room` nodes."""
    if room == 1 or rng.random() < _P_LEAF:
        return _leaf(grammar, rng)
    match rng.choices(list(_KINDS), list(_KINDS.values()))[0]:
        case "joined" if room > len(("operator", "operand")):
            left, right = _pair(grammar, rng, room)
            return ast.BinOp(left, rng.choice(_OPERATORS)(), right)
        case "called" if grammar.functions:
            return _called(grammar, rng, room)
    return ast.UnaryOp(ast.USub(), _grow(grammar, rng, room - 1))


def _leaf(grammar: Grammar, rng: random.Random) -> ast.expr:
    if rng.random() < _P_CONSTANT:
        return ast.Constant(rng.choice(_CONSTANTS))
    return ast.Name(rng.choice(sorted(grammar.inputs)), ast.Load())


def _called(grammar: Grammar, rng: random.Random, room: int) -> ast.expr:
    function = ast.Name(rng.choice(grammar.functions), ast.Load())
    if function.id not in TWO_ARGUMENTS:
        return ast.Call(function, [_grow(grammar, rng, room - 1)], [])
    return ast.Call(function, list(_pair(grammar, rng, max(room, 3))), [])


def _pair(grammar: Grammar, rng: random.Random, room: int) -> tuple[ast.expr, ast.expr]:
    """Grow two trees that share what an operation leaves of `room`, one node at least for each."""
    left = rng.randint(1, room - 2)
    return _grow(grammar, rng, left), _grow(grammar, rng, room - 1 - left)
