"""Title, abstract and introduction."""

from __future__ import annotations

import re

from papers.evidence import Conclusion
from papers.facts import arm
from papers.paper import Block, Items, Paragraph, Section
from papers.prose.effects import price
from papers.prose.idea import called, evolved, name, origin
from papers.prose.material import Material, clause, listed, small, stop
from papers.prose.verdict import finding, meaning

LONGEST_OPENING = 320
"""Characters of a README's first sentence that an abstract still opens with."""


def title(material: Material) -> str:
    """Say what was tried and how it ended."""
    metric = material.metric()
    sense = "increase in" if material.study.idea.prediction.direction == "higher" else "reduction of"
    measured = "measured" if material.headline() is None else "confirmed"
    ending = {
        Conclusion.supported: f"a confirmed {sense} {metric}",
        Conclusion.refuted: f"a refuted prediction about {metric}",
        Conclusion.negligible: f"no practical effect on {metric}",
        Conclusion.inconclusive: f"inconclusive evidence on {metric}",
        Conclusion.failed: f"a change whose effect on {metric} could not be {measured}",
    }
    return f"{name(material)}: {ending[material.study.conclusion]}"


def abstract(material: Material) -> str:
    """Say the problem, the change, the prediction, the finding and what it means."""
    question = stop(material.said("template.question"))
    opening = _opening(material) or question
    parts = (opening, _tested(material), finding(material), meaning(material), price(material))
    return " ".join(part for part in parts if part)


def introduction(material: Material) -> Section:
    """Lead from the problem to the question, the prediction and what the paper contributes."""
    blocks = (_problem(material), *_idea(material), Items(items=tuple(_contributions(material))))
    return Section(title="Introduction", blocks=blocks)


def turned(material: Material) -> str:
    """Name what was changed."""
    knobs = [f"`{change.knob}`" for change in material.study.idea.changes]
    if not knobs:
        return "rewrites a part of the method"
    return f"changes {'one setting' if len(knobs) == 1 else 'several settings'} of the method, {listed(knobs)}"


def predicted(material: Material) -> str:
    """State the prediction."""
    direction = material.study.idea.prediction.direction
    smallest = material.declared("idea.smallest_effect")
    return f"{direction} than that of the unchanged baseline by at least {smallest}{material.unit()}"


def _opening(material: Material) -> str:
    """Take the README's first sentence, without its citations, when it is short enough."""
    match material.outside.readme.under("Background"):
        case (Paragraph(text=text), *_):
            plain = re.sub(r"\s*\[@[^\]]*\]", "", text)
            first = re.split(r"(?<=[a-z$)\]][.!?])\s+(?=[A-Z])", plain, maxsplit=1)[0]
            return first if len(first) <= LONGEST_OPENING and first.endswith((".", "!", "?")) else ""
        case _:
            return ""


def _tested(material: Material) -> str:
    test = "was put to a test whose prediction was written down before any trial"
    whose = (
        f"One idea, which a search over the method's settings proposed, {test}. It"
        if evolved(material)
        else f"One idea {test}. {called(material)}"
    )
    return f"{whose} {turned(material)}. The {material.metric()} was predicted to be {predicted(material)}."


def _problem(material: Material) -> Paragraph:
    """Name the subject, the question and the quantity that decides."""
    metric = material.study.template.metric
    named = f"{material.metric()} ${metric.symbol}$" if metric.symbol else material.metric()
    text = (
        f"The subject of this paper is {small(clause(material.said('template.title')))}, and its question is the "
        f"following. {stop(material.said('template.question'))} The quantity that decides is the "
        f"{named}{f', measured in{material.unit()}' if material.unit() else ''}; a {metric.better} value is preferred."
    )
    return Paragraph(text=text)


def _idea(material: Material) -> tuple[Block, ...]:
    """State origin, hypothesis, reason and prediction, then preview the answer."""
    smallest = material.declared("idea.smallest_effect")
    before = (
        "Hypothesis and prediction were stored before the first trial ran, so neither could be fitted to the "
        f"results. A difference under {smallest}{material.unit()} was declared in advance not to matter."
    )
    where = " on seeds that played no part in choosing the change" if material.fresh() else ""
    answer = {
        Conclusion.supported: f"The prediction held{where}.",
        Conclusion.refuted: "The trials contradicted the prediction, and the paper reports by how much.",
        Conclusion.negligible: "The trials measured the effect well enough to say that it is too small to matter.",
        Conclusion.inconclusive: "The trials did not settle the question, and the paper says how far they got.",
        Conclusion.failed: "The trials did not get as far as an answer, and the paper says where they ended.",
    }[material.study.conclusion]
    paragraphs = (origin(material), before, f"{answer} The paper contributes:")
    return tuple(Paragraph(text=text) for text in paragraphs)


def _contributions(material: Material) -> list[str]:
    """List what the reader gets, each only if it is there."""
    first, items = material.headline(), list[str]()
    if first is not None:
        n = material.count(f"{arm(first)}.n", "paired seed", "paired seeds")
        how = " that no earlier stage had used" if material.fresh() else ""
        items.append(f"a test of one declared hypothesis over {n}{how} ([#tab:headline]);")
    if material.ablations():
        items.append("ablations that turn back each change on its own ([#tab:ablations]);")
    if first is not None and any(
        f"{arm(first)}.{name.name}.n" in material.facts for name in material.study.template.secondary
    ):
        items.append("the side effects of the change on what else was measured ([#tab:secondary]);")
    tried = material.count("campaign.ideas", "idea", "ideas")
    items.append(f"an account of the whole campaign, {tried} so far, with failures in the counts ([#tab:ideas]);")
    items.append("the complete code change and a command that repeats the campaign.")
    return items
