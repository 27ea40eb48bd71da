"""Side effects: what else the change moved, for better and for worse."""

from __future__ import annotations

from typing import NamedTuple

from papers.evidence import Comparison, Conclusion
from papers.facts import arm
from papers.paper import Block, Paragraph
from papers.prose import tables
from papers.prose.material import Material, capital, listed

UNSAID = frozenset(("probability", "fraction", "ratio", "share", "count"))
"""Units that a sentence leaves out."""
TOLD = 2
"""Shifts that a sentence gives with their numbers."""
NAMED = 4
"""Measurements that a sentence names; a table has them all."""


class Effects(NamedTuple):
    """Secondary measurements whose interval excludes zero, by what their shift means."""

    improved: tuple[str, ...]
    worsened: tuple[str, ...]
    neutral: tuple[str, ...]

    @property
    def moved(self) -> tuple[str, ...]:
        """Name all of them."""
        return self.improved + self.worsened + self.neutral


def effects(material: Material, name: str) -> Effects:
    """Sort the secondary measurements that moved in one arm."""
    sorted_: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for each in tables.secondaries(material, name):
        if material.settled(f"{name}.{each}"):
            sorted_[_gain(material, name, each)].append(each)
    return Effects(tuple(sorted_[True]), tuple(sorted_[False]), tuple(sorted_[None]))


def side_effects(material: Material, first: Comparison) -> tuple[Block, ...]:
    """Say which shifts are improvements and which are the price, and show all."""
    name = arm(first)
    if not tables.secondaries(material, name):
        return ()
    found = effects(material, name)
    if not found.moved:
        text = (
            "None of the secondary measurements shifted by more than its interval allows for chance ([#tab:secondary])."
        )
        return (Paragraph(text=text, heading="Side effects"), tables.secondary(material, name))
    said = [
        "[#tab:secondary] has what else was measured, on which the prediction was silent.",
        *_gains(material, name, found.improved),
        *_losses(material, name, found),
        *_others(material, name, found.neutral),
        _balance(found),
    ]
    return (Paragraph(text=" ".join(said), heading="Side effects"), tables.secondary(material, name))


def price(material: Material) -> str:
    """Tell an abstract what the change makes worse, or else what it makes better besides."""
    first = material.headline()
    if first is None:
        return ""
    found = effects(material, arm(first))
    if found.worsened:
        shifts = listed([shift(material, arm(first), each) for each in found.worsened[:TOLD]])
        more = ", and more got worse" if found.worsened[TOLD:] else ""
        if material.study.conclusion is Conclusion.supported:
            return f"This has a price: {shifts}{more}."
        return f"Beside that, {shifts}, which is for the worse{more}."
    if found.improved:
        return f"Beside that, {shift(material, arm(first), found.improved[0])}, which is an improvement."
    return ""


def shift(material: Material, name: str, secondary: str) -> str:
    """Say where a secondary measurement moved, e.g. `the throughput rose from … to … tokens`."""
    key, title = f"{name}.{secondary}", material.said(f"secondary.{secondary}")
    verb = "rose" if material.value(f"{key}.difference") > 0 else "fell"
    named = material.said(f"secondary.{secondary}.unit")
    unit = f" {named}" if named and named not in UNSAID and named not in title else ""
    return f"the {title} {verb} from {material.of(key, 'reference')} to {material.of(key, 'variant')}{unit}"


def named(material: Material, secondaries: tuple[str, ...]) -> str:
    """Name secondary measurements, a few of them."""
    some = [f"the {material.said(f'secondary.{each}')}" for each in secondaries[:NAMED]]
    return listed([*some, "others"] if secondaries[NAMED:] else some)


def _gain(material: Material, name: str, secondary: str) -> bool | None:
    """Tell whether a shift is for the better; None where the template calls neither direction better."""
    better = material.secondary(secondary).better
    if better is None:
        return None
    return (material.value(f"{name}.{secondary}.difference") > 0) == (better == "higher")


def _gains(material: Material, name: str, improved: tuple[str, ...]) -> list[str]:
    if not improved:
        return []
    shifts = listed([shift(material, name, each) for each in improved[:TOLD]])
    said = [f"{capital(shifts)}, for the better."]
    if rest := improved[TOLD:]:
        said.append(f"{capital(named(material, rest))} improved as well.")
    return said


def _losses(material: Material, name: str, found: Effects) -> list[str]:
    """Name every measurement that got worse, two to a sentence; a price is paid where something was gained."""
    gained = found.improved or material.study.conclusion is Conclusion.supported
    said = []
    for start in range(0, len(found.worsened), TOLD):
        shifts = listed([shift(material, name, each) for each in found.worsened[start : start + TOLD]])
        lead = "Worse too" if start else "The price of the change" if gained else "Worse with the change"
        said.append(f"{lead}: {shifts}.")
    return said


def _others(material: Material, name: str, neutral: tuple[str, ...]) -> list[str]:
    if not neutral:
        return []
    shifts = listed([shift(material, name, each) for each in neutral[:TOLD]])
    return [f"{capital(shifts)}, which is neither good nor bad in itself."]


def _balance(found: Effects) -> str:
    if found.improved and found.worsened:
        return "So the side effects point both ways, a trade-off to weigh against the headline."
    if found.worsened:
        return "Nothing that was measured beside the headline improved."
    if found.improved:
        return "No measurement got worse by more than its interval allows for chance."
    return "All else stayed within what its interval allows for chance."
