"""The context of a request: all that a language model must know about a template, the same bytes each time."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from agent.prompting import render
from papers import records
from templates import folder, source
from templates import template as templates
from templates.space import BoolKnob, ChoiceKnob, ExpressionKnob, FloatKnob, IntKnob, Knob, Value
from templates.template import Template

REHEARSAL = "smoke"


def context(about: Sequence[Template], scale: str = "") -> str:
    """Describe templates at the scale of the trials; nothing in it depends on a question, so that it can be cached."""
    return "\n".join(_described(each, scale) for each in about)


def _described(template: Template, scale: str) -> str:
    settings = source.settings(template)
    return render(
        "template",
        template=template,
        background=templates.background(template).strip(),
        scales={name: each for name, each in template.scales.items() if not scale or name in {scale, REHEARSAL}},
        chosen=scale,
        knobs=[_knob(knob, settings[knob.name]) for knob in template.knobs],
        files=source.editable(template),
        frozen=dict(_frozen(template)),
        references=references(template),
    )


def references(template: Template) -> dict[str, str]:
    """Give the template's references: key to title and year."""
    return {each.key: f"{each.title} ({each.year})" for each in records.records(templates.bibliography(template))}


def _knob(knob: Knob, now: Value) -> str:
    return f"`{knob.name}`: {_kind(knob)}; now `{now}`. {knob.description}"


def _kind(knob: Knob) -> str:
    match knob:
        case FloatKnob() | IntKnob():
            kind = "number" if isinstance(knob, FloatKnob) else "whole number"
            return f"{kind} from {knob.low:g} to {knob.high:g}, {knob.scale} scale"
        case ChoiceKnob():
            return f"one of {', '.join(map(repr, knob.choices))}"
        case BoolKnob():
            return "true or false"
        case ExpressionKnob():
            inputs = "; ".join(f"{name}: {meaning}" for name, meaning in knob.inputs.items())
            functions = f", calls of {', '.join(knob.functions)}" if knob.functions else ""
            return f"expression of + - * /{functions}, at most {knob.max_nodes} nodes, over ({inputs})"


def _frozen(template: Template) -> Iterator[tuple[str, str]]:
    """Outline the modules beside the editable files: they can be imported and read, and not changed."""
    away = {template.plot, *template.editable}
    for name in folder.plain_files(template.folder):
        if name.endswith(".py") and name not in away:
            yield name, _outline((template.folder / name).read_text(), whole=name != template.score)


def _outline(text: str, *, whole: bool) -> str:
    """Give a module's docstring and, for one that may be imported, the head of each definition."""
    module = ast.parse(text)
    heads = _heads(module.body, "") if whole else ()
    return "\n".join([ast.get_docstring(module) or "", *heads]).strip()


def _heads(body: Sequence[ast.stmt], indent: str) -> Iterator[str]:
    for part in body:
        match part:
            case ast.FunctionDef(name=name, args=args, returns=returns) if _offered(name):
                result = f" -> {ast.unparse(returns)}" if returns else ""
                yield f"{indent}def {name}({ast.unparse(args)}){result}{_said(part)}"
            case ast.ClassDef(name=name, body=inner) if not name.startswith("_"):
                yield f"{indent}class {name}{_said(part)}"
                yield from _heads(inner, f"{indent}    ")
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                yield f"{indent}{name}: {ast.unparse(annotation)}"


def _offered(name: str) -> bool:
    return name == "__init__" or not name.startswith("_")


def _said(part: ast.FunctionDef | ast.ClassDef) -> str:
    docstring = ast.get_docstring(part)
    return f"  # {docstring.splitlines()[0]}" if docstring else ""
