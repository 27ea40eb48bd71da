"""A scripted author: answers each question of writing and reviewing from what stands in the prompt.

It keeps nothing between requests. What it is told to do wrong it does in the first version of a part, and mends once it
is shown the problem.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent.literature.publication import Publication
from agent.llm import Request

FENCED = re.compile(r"<untrusted id=\"(\w+)\" what=\"([^\"]*)\">\n(.*?)\n</untrusted id=\"\1\">", re.DOTALL)
PLACED = re.compile(r"^- (\{\{\w+:(\S+?)\}\})\s*(.*)$", re.MULTILINE)
INJECTED = re.compile(r"ignore (?:all |any )?(?:previous|prior) instructions[^“\"]*[“\"](.+?)[”\"]", re.IGNORECASE)
DOUBLED = "The step is iterated, which we write $x^a^b$ for short."
"""Passes every gate; LaTeX calls it a double superscript."""
ANSWER = "A reader asked what the section on"
"""How a revision begins its answer."""


@dataclass(frozen=True)
class ProseAuthor:
    latex_error: bool = False
    """The first version of the method holds a formula that LaTeX refuses."""
    bare_number: bool = False
    """The first version of the results types a number."""
    invented_citation: bool = False
    """The first version of the related work cites what nobody wrote."""
    overstates: bool = False
    """The first version of the conclusion claims significance, and that the prediction was confirmed."""
    obeys: bool = False
    """It does what retrieved text tells it to, until it is shown the problem."""
    stubborn: str = ""
    """Title of a section that it never brings into form."""
    content: bool = False
    """As a reviewer it asks for nothing."""

    def answer(self, request: Request) -> str | None:
        """Answer a request of writing or reviewing; None for any other."""
        answers: dict[str, Callable[[Request], str]] = {
            "interpret": self._interpret,
            "section": self._section,
            "abstract": self._abstract,
            "fix": self._fix,
            "revise": self._revise,
            "judge": self._judge,
            "summarise": self._summarise,
            "conclude": self._conclude,
        }
        found = answers.get(request.purpose)
        return found(request) if found else None

    def _interpret(self, request: Request) -> str:
        arm = headline(request.context)
        keys = [f"{arm}.difference", f"{arm}.low", f"{arm}.high"]
        text = f"The mean paired difference was [[{keys[0]}]], with an interval from [[{keys[1]}]] to [[{keys[2]}]]."
        return json.dumps({"observations": [{"text": text, "facts": keys}]})

    def _section(self, request: Request) -> str:
        asked = request.messages[0].text
        title = re.search(r"Write the section “(.+?)”", asked)
        assert title is not None
        if title[1] == self.stubborn:
            return "The effect was 0.123456789."
        text = section(title[1], asked, request.context)
        return text if len(request.messages) > 1 else self._faulty(title[1], text, request)

    def _faulty(self, title: str, text: str, request: Request) -> str:
        injected = INJECTED.search("\n".join(found[3] for found in FENCED.finditer(request.text)))
        added = {
            "Method": DOUBLED if self.latex_error else "",
            "Results": "The effect was 0.123456789 overall." if self.bare_number else "",
            "Background and related work": "All of it is known [@nobody1901]." if self.invented_citation else "",
            "Conclusion": "The effect is significant and confirms the prediction." if self.overstates else "",
            "Introduction": injected[1] if self.obeys and injected else "",
        }
        return f"{text}\n\n{added[title]}" if added.get(title) else text

    def _abstract(self, request: Request) -> str:
        arm = headline(request.context)
        idea = line(request.context, "Idea")
        abstract = (
            f"We ask: {line(request.context, 'Question')} One idea was tested, with a prediction on record before any "
            f"trial. Over [[{arm}.n:.0f]] paired seeds the mean difference was [[{arm}.difference]], with an interval "
            f"from [[{arm}.low]] to [[{arm}.high]]. By the rule set in advance the study is "
            f"{line(request.context, 'Conclusion, by a rule set in advance').split('.')[0]}."
        )
        return json.dumps({"title": f"{idea.rstrip('.')}: a paired test", "abstract": abstract})

    def _fix(self, request: Request) -> str:
        asked = request.messages[0].text
        current = fenced(asked, "your own text")
        mended = current.replace(f"\n\n{DOUBLED}", "").replace("x^a^b", "{x^a}^b")
        for key in re.findall(r"^- record (\S+):", asked, re.MULTILINE):
            mended = re.sub(rf"@{re.escape(key)}(?:; )?", "", mended).replace("; ]", "]").replace(" []", "")
        part = re.search(r"In the part “(.+?)”", asked)
        assert part is not None
        return mended if mended != current else f"{current}\n\nThe section on {part[1].lower()} was read again."

    def _revise(self, request: Request) -> str:
        current = fenced(request.messages[0].text, "your own text")
        if "Answer with title and abstract" in request.messages[0].text:
            title, abstract = current.split("\n\n", 1)
            return json.dumps({"title": title, "abstract": abstract})
        part = re.search(r"of the part “(.+?)”", request.messages[0].text)
        assert part is not None
        return f"{current}\n\n{ANSWER} {part[1].lower()} rests on: on the trials of this study, and on no others."

    def _judge(self, request: Request) -> str:
        paper = fenced(request.context, "paper under review")
        places = re.findall(r"^- (.+)$", request.context.rpartition("Places that a remark")[2], re.MULTILINE)
        title = next(place for place in places if place not in {"Title", "Abstract"})
        answered = self.content or ANSWER in paper
        weaknesses = [] if answered else [remark("It is not said here what this rests on.", title)]
        questions = [] if answered else [remark("Could every seed be shown?", title, "per-seed-values")]
        overall = 7 if answered else 5
        scales, _, _ = request.context.partition("From ")
        filled: dict[str, Any] = {
            "summary": f"{paper.splitlines()[0]} It reports one paired test and its limits.",
            "strengths": [remark("The prediction was on record before any trial.", title)],
            "weaknesses": weaknesses,
            "questions": questions,
            "limitations": "They are said.",
            "scores": dict.fromkeys(re.findall(r"^- `(\w+)`:", scales, re.MULTILINE), 3) | {"overall": overall},
        }
        return json.dumps(filled)

    def _summarise(self, request: Request) -> str:
        part = fenced(request.messages[0].text, "part of a paper")
        return f'This part says, among other things: "{part.split(". ")[-1][-200:]}"'

    def _conclude(self, request: Request) -> str:
        asked = request.messages[0].text
        praised = re.search(r"^strength: (.+?) \(at", asked, re.MULTILINE)
        decision = re.search(r"accepted from \d+: (\w+)\.", asked)
        assert praised is not None
        assert decision is not None
        summary = f"The reviewers agree on the paper's design: “{praised[1]}” The rule says {decision[1]}."
        return json.dumps({"summary": summary, "decision": decision[1]})


class Nowhere:
    """Literature of which nothing is at hand."""

    def search(self, words: str, limit: int = 10) -> tuple[Publication, ...]:
        del words, limit
        return ()

    def resolve(self, publication: Publication) -> str:
        return f"not checked: {publication.id} could not be looked up"


def answering(author: ProseAuthor) -> Callable[[Request], str]:
    """Make a script of an author who is asked nothing else."""

    def script(request: Request) -> str:
        said = author.answer(request)
        assert said is not None
        return said

    return script


def section(title: str, asked: str, context: str) -> str:
    """Write a section from the material of its prompt: what it claims, and each exhibit where it is spoken of."""
    material = fenced(asked, f"the composed section {title}")
    kept = [part for part in material.split("\n\n") if not part.startswith("{{")]
    said = [f"In this section: {title.lower()}, told anew from the record.", *kept]
    if title == "Results":
        arm = headline(context)
        means = f"The mean with the change was [[{arm}.variant]], that of the baseline [[{arm}.reference]]."
        difference = f"The difference was [[{arm}.difference]], with an interval from [[{arm}.low]] to [[{arm}.high]]."
        said = [f"### Headline\n{means} {difference}"]
    for placed, label, caption in PLACED.findall(asked):
        if not label.startswith("eq:"):
            said.append(f"What follows is told by [#{label}], which has this caption: {unmarked(caption)}")
        said.append(placed)
    return "\n\n".join(said)


def headline(context: str) -> str:
    """Find the arm that carries the claim in the list of facts."""
    arms = re.findall(r"^- (pilot|full|confirm)(?: \([^)]*\))?: \.n", context, re.MULTILINE)
    return next(arm for arm in ("confirm", "full", "pilot") if arm in arms)


def line(context: str, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}: (.+)$", context, re.MULTILINE)
    assert found is not None
    return found[1]


def fenced(text: str, what: str) -> str:
    """Give what stands in the fence of that name."""
    return next(found[3] for found in FENCED.finditer(text) if found[2] == what)


def unmarked(caption: str) -> str:
    return caption or "none."


def remark(text: str, place: str, remedy: str = "") -> dict[str, str]:
    return {"text": text, "place": place, "remedy": remedy}
