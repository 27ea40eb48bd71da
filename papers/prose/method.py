"""The method: the baseline in the template's words, and the change, knob by knob."""

from __future__ import annotations

import re

from papers.paper import Block, Items, Listing, Paragraph, Section
from papers.prose import expressions
from papers.prose.material import Material, capital, clause, listed, stop
from templates.idea import Change
from templates.space import ExpressionKnob, Knob

LONGEST_DIFF = 60
"""Lines of a code change that still stand in the main text."""


def method(material: Material) -> Section:
    """Describe the baseline, then the change."""
    return Section(title="Method", blocks=(*_baseline(material), *_change(material), *listing(material, main=True)))


def listing(material: Material, *, main: bool) -> tuple[Block, ...]:
    """Show the code change in the main text when it is short, in the appendix when it is long."""
    diff = material.study.diff.rstrip("\n")
    short = diff.count("\n") < LONGEST_DIFF
    if not diff or short is not main:
        return ()
    caption = "The whole code change, baseline to variant."
    return (Listing(label="lst:diff", caption=caption, code=diff, language="diff"),)


def _baseline(material: Material) -> tuple[Block, ...]:
    told = material.outside.readme.under("The method", "Method", "The baseline", "Baseline", "The task and the metric")
    match told:
        case (Paragraph(text=text, heading=""), *rest):
            return (Paragraph(text=text, heading="Baseline"), *rest)
        case ():
            files = listed([f"`{name}`" for name in material.study.template.editable])
            text = (
                f"The baseline is the unchanged template, {material.said('template.title')}. Its README does not "
                f"describe the method further; the code is in {files}."
            )
            return (Paragraph(text=text, heading="Baseline"),)
        case _:
            return told


def _change(material: Material) -> tuple[Block, ...]:
    changes = material.study.idea.changes
    shown = " [#lst:diff] shows the difference in full." if material.study.diff.strip() else ""
    rest = f"Nothing else differs between the two arms.{_named(material)}{shown}"
    if not changes:
        text = (
            "The change rewrites code instead of turning a declared setting, so the code is its exact statement. "
            f"{rest}"
        )
        return (Paragraph(text=text, heading="The change"),)
    told = [turn(material, change) for change in changes]
    displays = [expressions.display(knob, change) for change in changes if (knob := _expression(material, change))]
    if len(told) == 1:
        return (Paragraph(text=f"{told[0]} {rest}", heading="The change"), *displays)
    opening = f"The change has these parts, which were made together. {rest}"
    return (Paragraph(text=opening, heading="The change"), Items(items=tuple(told)), *displays)


def _expression(material: Material, change: Change) -> ExpressionKnob | None:
    """Find the function that a change rewrites."""
    found = next((knob for knob in material.study.template.knobs if knob.name == change.knob), None)
    return found if isinstance(found, ExpressionKnob) else None


def _named(material: Material) -> str:
    """Say what figures and files call the changed arm."""
    first = material.headline()
    return f" Figures and files call the changed arm `{first.variant}`." if first else ""


def turn(material: Material, change: Change) -> str:
    """Say in words what one knob does and how it was turned."""
    knob = next((knob for knob in material.study.template.knobs if knob.name == change.knob), None)
    told = f" In the template's words: “{stop(capital(material.said(f'knob.{change.knob}')))}”" if knob else ""
    match change.before, change.after:
        case bool(), bool(after):
            verb, other = ("switched on", "off") if after else ("switched off", "on")
            return f"The option `{change.knob}` was {verb}; the baseline has it {other}.{told}"
        case (int() | float()) as before, (int() | float()) as after:
            verb = "raised" if after > before else "reduced"
            values = [material.declared(f"knob.{change.knob}.{when}") for when in ("before", "after")]
            return f"The setting `{change.knob}` was {verb} from {' to '.join(values)}.{told}"
        case before, after:
            return f"{_rewritten(material, knob, change.knob, str(before), str(after))}{told}"


def _rewritten(material: Material, knob: Knob | None, name: str, before: str, after: str) -> str:
    if not isinstance(knob, ExpressionKnob):
        return f"The choice `{name}` was set to `{after}`, where the baseline has `{before}`."
    meanings = [
        f"`{variable}` is “{clause(material.said(f'knob.{knob.name}.{variable}'))}”"
        for variable in knob.inputs
        if re.search(rf"\b{variable}\b", f"{before} {after}")
    ]
    said = (
        f"The function `{name}` was rewritten, as [#lst:{name}] shows.",
        expressions.told(before, after),
        f"Here {listed(meanings)}." if meanings else "",
    )
    return " ".join(part for part in said if part)
