"""The normal form of an expression: one spelling for all that order, spacing, signs and sums of numbers allow.

A sum is a list of terms by their text, a product a list of factors by their text, both sorted and with one number in
front. `a / a` and other quotients are left alone: they differ where the divisor is zero.
"""

from __future__ import annotations

import ast
from typing import Final, NamedTuple

_SYMMETRIC: Final = frozenset({"min", "max", "minimum", "maximum", "hypot", "logaddexp"})


class _Product(NamedTuple):
    """`number · above / below`."""

    number: float
    above: tuple[ast.expr, ...] = ()
    below: tuple[ast.expr, ...] = ()

    def times(self, other: _Product) -> _Product:
        return _Product(self.number * other.number, self.above + other.above, self.below + other.below)

    def inverse(self) -> _Product:
        if self.number == 0:
            return _Product(1.0, (), (ast.Constant(0),))
        return _Product(1 / self.number, self.below, self.above)

    def scaled(self, number: float) -> _Product:
        return self._replace(number=self.number * number)


def normal(tree: ast.expr) -> ast.expr:
    """Rewrite an expression of names, numbers, calls and `+ - * /` into its normal form."""
    total: dict[str, _Product] = {}
    for term in _terms(tree):
        key = ast.unparse(_product(term._replace(number=1.0)))
        total[key] = term._replace(number=term.number + total[key].number) if key in total else term
    kept = [total[key] for key in sorted(total) if total[key].number != 0]
    return _sum(kept)


def _terms(tree: ast.expr) -> list[_Product]:
    """Flatten nested sums and signs."""
    match tree:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _terms(left) + _terms(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _terms(left) + [term.scaled(-1) for term in _terms(right)]
        case ast.UnaryOp(operand=operand):
            return [term.scaled(-1) for term in _terms(operand)]
    whole = _factors(tree)
    if len(whole.above) == 1 and not whole.below and _is_sum(whole.above[0]):
        return [term.scaled(whole.number) for term in _terms(whole.above[0])]
    return [whole]


def _factors(tree: ast.expr) -> _Product:  # noqa: PLR0911 — one return for each form
    """Flatten nested products and quotients."""
    match tree:
        case ast.Constant(value=int() | float() as number):
            return _Product(float(number))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _factors(left).times(_factors(right))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _factors(left).times(_factors(right).inverse())
        case ast.UnaryOp(operand=operand):
            return _factors(operand).scaled(-1)
        case ast.BinOp():
            inner = normal(tree)
            return _Product(1.0, (inner,)) if _is_sum(inner) else _factors(inner)
        case ast.Call(func=ast.Name(id=name) as func, args=args):
            plain = [normal(argument) for argument in args]
            return _Product(1.0, (ast.Call(func, sorted(plain, key=ast.unparse) if name in _SYMMETRIC else plain, []),))
    return _Product(1.0, (tree,))


def _is_sum(tree: ast.expr) -> bool:
    return isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub)


def _sum(terms: list[_Product]) -> ast.expr:
    """Join terms, the positive ones first, so that a leading minus is rare."""
    ordered = [term for term in terms if term.number > 0] + [term for term in terms if term.number < 0]
    if not ordered:
        return ast.Constant(0)
    first, *rest = ordered
    tree = _product(first) if first.number > 0 else ast.UnaryOp(ast.USub(), _product(first.scaled(-1)))
    for term in rest:
        sign, part = (ast.Add(), term) if term.number > 0 else (ast.Sub(), term.scaled(-1))
        tree = ast.BinOp(tree, sign, _product(part))
    return tree


def _product(product: _Product) -> ast.expr:
    above = sorted(product.above, key=ast.unparse)
    if product.number != 1 or not above:
        above = [_number(product.number), *above]
    tree = _multiplied(above)
    return ast.BinOp(tree, ast.Div(), _multiplied(sorted(product.below, key=ast.unparse))) if product.below else tree


def _multiplied(factors: list[ast.expr]) -> ast.expr:
    tree, *rest = factors
    for factor in rest:
        tree = ast.BinOp(tree, ast.Mult(), factor)
    return tree


def _number(value: float) -> ast.expr:
    rounded = float(f"{value:.9g}")
    return ast.Constant(int(rounded) if rounded.is_integer() else rounded)
