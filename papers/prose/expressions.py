"""Expressions: a function before and after a change, shown as code and told in words."""

from __future__ import annotations

import ast
from typing import NamedTuple

from papers.paper import Listing
from papers.prose.material import listed
from templates import grammar
from templates.idea import Change
from templates.space import ExpressionKnob

LONGEST_LINE = 88
"""Characters of a function's head that still stand on one line."""
LONGEST_PART = 40
"""Characters of a part of an expression that a sentence still quotes."""
ACTS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("adds {} to it", "adds it to {}"),
    ast.Sub: ("subtracts {} from it", "subtracts it from {}"),
    ast.Mult: ("multiplies it by {}", "multiplies it by {}"),
    ast.Div: ("divides it by {}", "divides {} by it"),
}
"""What an operator does to its left side and to its right side, given the other."""


class Sides(NamedTuple):
    """A function before and after."""

    before: ast.expr
    after: ast.expr


def display(knob: ExpressionKnob, change: Change) -> Listing:
    """Show the function as the baseline has it and as the variant has it."""
    head = f"def {knob.name}({', '.join(knob.inputs)}):"
    if len(head) > LONGEST_LINE:
        head = f"def {knob.name}(\n    {', '.join(knob.inputs)}\n):"
    bodies = ((f"# {arm}", f"{head}\n    return {text}") for arm, text in _arms(change))
    code = "\n\n".join("\n".join(body) for body in bodies)
    caption = f"The function `{knob.name}` before and after the change."
    return Listing(label=f"lst:{knob.name}", caption=caption, code=code, language="python")


def told(before: str, after: str) -> str:
    """Say in words what was done to the expression; nothing where it cannot be read."""
    try:
        sides = Sides(grammar.parse(before), grammar.parse(after))
    except (SyntaxError, ValueError):
        return ""
    return " ".join(part for part in (_kept(sides), _simplified(after), _inputs(sides)) if part)


def _arms(change: Change) -> tuple[tuple[str, str], ...]:
    return ("baseline", " ".join(str(change.before).split())), ("variant", " ".join(str(change.after).split()))


def _simplified(after: str) -> str:
    """Give the normal form of an expression that says the same at more length."""
    short = grammar.canonical(after)
    longer = len("".join(short.split())) < len("".join(after.split()))
    return f"Simplified, it is `{short}`." if longer and len(short) <= LONGEST_PART else ""


def _kept(sides: Sides) -> str:
    """Say what became of the baseline's expression."""
    whole = ast.dump(sides.before)
    if ast.dump(sides.after) == whole:
        return "The variant writes the same expression another way."
    if done := _wrapped(sides.after, whole):
        return f"The variant keeps the baseline's value and {done}."
    if any(ast.dump(part) == whole for part in grammar.subtrees(sides.after)):
        return "The baseline's value is still a part of the variant's."
    if any(ast.dump(part) == ast.dump(sides.after) for part in grammar.subtrees(sides.before)):
        return "The variant keeps only a part of the baseline's expression."
    return "The variant's expression replaces that of the baseline."


def _wrapped(after: ast.expr, whole: str) -> str:
    """Name the one operation that makes `after` from the baseline's value; empty when there is none."""
    match after:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ACTS:
            to_left, to_right = ACTS[type(op)]
            if ast.dump(left) == whole:
                return to_left.format(_part(right))
            return to_right.format(_part(left)) if ast.dump(right) == whole else ""
        case ast.Call(func=ast.Name(id=name), args=args) if whole in map(ast.dump, args):
            others = [_part(each) for each in args if ast.dump(each) != whole]
            return f"passes it through `{name}`{f', beside {listed(others)}' if others else ''}"
        case ast.UnaryOp(op=ast.USub(), operand=operand) if ast.dump(operand) == whole:
            return "turns its sign"
        case _:
            return ""


def _part(tree: ast.expr) -> str:
    """Quote a short part; a number is seen in the listing."""
    text = ast.unparse(tree)
    if isinstance(tree, ast.Constant):
        return "a constant"
    return f"`{text}`" if len(text) <= LONGEST_PART else "another term"


def _inputs(sides: Sides) -> str:
    """Say which inputs came and which went."""
    before, after = (_names(side) for side in sides)
    came, went = ([f"`{name}`" for name in names] for names in (_without(after, before), _without(before, after)))
    said = [f"now reads {listed(came)}"] if came else []
    said += [f"no longer reads {listed(went)}"] if went else []
    return f"It {listed(said)}." if said else "It reads the same inputs as before."


def _names(tree: ast.expr) -> list[str]:
    """List the inputs in the order they are read."""
    names = [part.id for part in grammar.subtrees(tree) if isinstance(part, ast.Name)]
    return list(dict.fromkeys(names))


def _without(names: list[str], others: list[str]) -> list[str]:
    return [name for name in names if name not in others]
