"""Surveying: what is published about an idea, looked up by the language model's queries and judged from the records."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from pydantic import Field

from agent.archive import after
from agent.literature.merging import merged
from agent.literature.naming import free
from agent.literature.publication import Literature, Publication
from agent.llm import Message, Request
from agent.prompting import render
from agent.questions import Related, Survey
from agent.researchers.context import references
from agent.researchers.conversation import fill
from agent.researchers.desk import Desk
from papers.bibliography import KEY
from papers.study import Nearest
from sandboxes.record import Record
from templates.idea import Idea
from templates.template import Template

MOST_QUERIES = 4
FOUND_FOR_EACH = 6
"""Records that one query may bring."""
MOST_RECORDS = 12
"""Records that are shown at once."""
LONGEST_ABSTRACT = 700
"""Characters; what an abstract is about stands at its start."""
MOST_CITED, MOST_NEAREST = 10, 3
LONGEST_ANSWER = 600
"""Characters."""
NOTHING = {"none", "null", "nothing", "no", "n/a", "na", "-"}
MAX_TOKENS = 4_000


class Queries(Record):
    """What to look up."""

    queries: tuple[str, ...] = Field(min_length=1)


class Judged(Record):
    """How an idea stands to the records shown; each is named by its key."""

    cited: tuple[str, ...] = ()
    """To discuss beside the idea, most related first."""
    answered_by: str = ""
    """The record that has the idea's answer already; empty when none has."""
    answer: str = ""
    """What that record found."""
    nearest: tuple[Nearest, ...] = ()


def survey(desk: Desk, question: Survey) -> Related:
    """Look the idea up, in the archive first, and choose what to cite among the records and the template's references.

    Raises `LLMError` when no answer comes in form.
    """
    idea, template = question.idea, question.template
    earlier = None if idea.plan else question.archive.earlier(template, after(idea.changes))
    if earlier:
        return Related(
            cited=tuple(references(template)),
            known=f"Study {earlier.number} tried the same change, or nearly the same.",
        )
    return look(desk, idea, template)


def look(desk: Desk, idea: Idea, template: Template) -> Related:
    """Look an idea up in the literature; the same idea makes the same requests, which cost nothing a second time."""
    own = references(template)
    records = look_up(desk.literature, queries(desk, idea, template), own)
    judged = judge(desk, idea, template, records)
    named = {*judged.cited, *(each.key for each in judged.nearest)} - {*own}
    return Related(
        cited=judged.cited,
        known=known(judged, records, own),
        records=tuple(each for each in records if each.key in named),
        nearest=judged.nearest,
    )


def queries(desk: Desk, idea: Idea, template: Template) -> tuple[str, ...]:
    """Have queries written for the idea."""
    prompt = render("queries", idea=idea, template=template, most=MOST_QUERIES)
    written = fill(desk.llm, request("queries", prompt), Queries).queries
    return tuple(dict.fromkeys(" ".join(re.findall(r"[\w'-]+", each)) for each in written))[:MOST_QUERIES]


def look_up(literature: Literature, wanted: Sequence[str], own: dict[str, str]) -> tuple[Publication, ...]:
    """Search for each query; give what can be cited, best first, under keys that clash neither here nor with `own`."""
    found = merged([literature.search(words, FOUND_FOR_EACH) for words in wanted])
    citable = [each for each in found if each.title and each.authors and each.year and KEY.fullmatch(each.key)]
    others = [each for each in citable if not is_own(each, own)]
    return keyed(others, own)[:MOST_RECORDS]


def is_own(publication: Publication, own: dict[str, str]) -> bool:
    """Say whether the template's references have the publication: it is offered with them."""
    return publication.key in own and plain(publication.title) in plain(own[publication.key])


def plain(title: str) -> str:
    return "".join(letter for letter in title.lower() if letter.isalnum())


def keyed(publications: Iterable[Publication], taken: Collection[str]) -> tuple[Publication, ...]:
    """Give the later of two that share a key another one."""
    used, named = {key.lower() for key in taken}, []
    for each in publications:
        key = free(each.key, used) if each.key.lower() in used else each.key
        used.add(key.lower())
        named.append(each.model_copy(update={"key": key}))
    return tuple(named)


def judge(desk: Desk, idea: Idea, template: Template, records: Sequence[Publication]) -> Judged:
    """Have the records judged; keys other than those shown are refused, whoever asks for them."""
    own = references(template)
    shown = {each.key: described(each) for each in records}
    prompt = render("survey", idea=idea, template=template, records=shown, references=own)
    keys = {*shown, *own}
    filled = fill(desk.llm, request("survey", prompt), Judged, lambda each: fault(meant(each, keys), {*shown}, {*own}))
    return meant(filled, keys)


def meant(judged: Judged, shown: Collection[str]) -> Judged:
    """Put a judgement as it was meant: keys without their marks, each once, and nothing for words that say so."""
    nearest = {key(each.key): " ".join(each.difference.split()) for each in judged.nearest if each.difference.strip()}
    answered = key(judged.answered_by)
    return Judged(
        cited=tuple(dict.fromkeys(map(key, judged.cited)))[:MOST_CITED],
        answered_by="" if answered.lower() in NOTHING and answered not in shown else answered,
        answer=" ".join(judged.answer.split())[:LONGEST_ANSWER],
        nearest=tuple(Nearest(key=name, difference=said) for name, said in nearest.items())[:MOST_NEAREST],
    )


def key(said: str) -> str:
    return said.strip().strip("[]`@ ")


def fault(judged: Judged, records: set[str], own: set[str]) -> str:
    """Say what an answer names that was not shown."""
    named = [*judged.cited, *(each.key for each in judged.nearest), *filter(None, [judged.answered_by])]
    unknown = sorted({*named} - records - own)
    if unknown:
        shown = ", ".join([*sorted(records), *sorted(own)])
        return f"These keys were not shown: {', '.join(unknown)}. Name only keys from this list: {shown}."
    if judged.answered_by and not judged.answer.strip():
        return "`answered_by` names a record, and `answer` does not say what it found. Fill both, or neither."
    return ""


def known(judged: Judged, records: Sequence[Publication], own: dict[str, str]) -> str:
    """Say which record has the idea's answer, if one has."""
    if not judged.answered_by:
        return ""
    titles = own | {each.key: f"{each.title} ({each.year})" for each in records}
    return f"{titles[judged.answered_by]} [{judged.answered_by}] answers it: {' '.join(judged.answer.split())}"


def described(publication: Publication) -> str:
    """Write a record for a prompt; all of it is untrusted."""
    authors = ", ".join(publication.authors[:3]) + (" and others" if publication.authors[3:] else "")
    venue = f", {publication.venue}" if publication.venue else ""
    abstract = publication.abstract[:LONGEST_ABSTRACT]
    return f"{publication.title[:300]}\n{authors[:200]}, {publication.year}{venue[:200]}\n{abstract}".strip()


def request(purpose: str, prompt: str) -> Request:
    """Ask about an idea without its template's source: what is published does not depend on it."""
    return Request(
        purpose=purpose,
        system=render("system"),
        messages=(Message(speaker="user", text=prompt),),
        max_tokens=MAX_TOKENS,
    )
