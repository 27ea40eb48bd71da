"""Coding: an idea becomes a change of the editable files, and a change that failed is mended or given up."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from agent.llm import Message, Request
from agent.prompting import render
from agent.questions import CodeChange, Implement, Repair
from agent.researchers import edits
from agent.researchers.context import context
from agent.researchers.conversation import converse
from agent.researchers.desk import Desk
from agent.researchers.forms import Misfit
from templates import setting, source, space
from templates.idea import Change
from templates.source import SourceError
from templates.template import Template
from templates.trial import TrialEnding

MAX_TOKENS = 16_000
"""Of an answer: a whole file of a thousand lines, with room for reasoning."""
MOST_LINES = 40
"""Of what a failed rehearsal printed; the end tells most."""
MOST_CHARACTERS = 3_000
LONGEST_DIFF = 12_000
"""Characters of a failed change; a longer one is told by its files as they stand."""


def implement(desk: Desk, question: Implement) -> CodeChange:
    """Write the idea as code; turns of knobs alone need no language model to be written down.

    Raises `LLMError` when no change comes that could be tried.
    """
    template, idea = question.template, question.idea
    if not idea.plan:
        return CodeChange(files=source.apply(template, idea.changes), changes=idea.changes)
    return asked(
        desk,
        question,
        source.editable(template),
        render("implement", idea=idea, turns=turns(idea.changes), **frame(template)),
    )


def repair(desk: Desk, question: Repair) -> CodeChange:
    """Mend the code that failed, from what its rehearsal said, or give the idea up with a reason.

    Raises `LLMError` when no change comes that could be tried.
    """
    template, failure = question.template, question.failure
    standing = {**source.editable(template), **question.code.files}
    diff = source.diff(template, standing)
    prompt = render(
        "repair",
        **frame(template),
        idea=question.idea,
        turns=turns(question.idea.changes),
        attempt=question.attempt,
        diff=diff.rstrip("\n"),
        files=standing if len(diff) > LONGEST_DIFF else {},
        rejected=failure.ending not in {*TrialEnding},
        ending=failure.ending.replace("_", " "),
        limit=failure.limit,
        said=last_lines(failure.message),
    )
    return asked(desk, question, standing, prompt)


def asked(desk: Desk, question: Implement | Repair, standing: Mapping[str, str], prompt: str) -> CodeChange:
    """Ask for edits of `standing` until they make a variant that can be tried."""
    request = Request(
        purpose="repair" if isinstance(question, Repair) else "implement",
        system=render("system"),
        context=context((question.template,), desk.scale),
        messages=(Message(speaker="user", text=prompt),),
        max_tokens=MAX_TOKENS,
    )
    return converse(desk.llm, request, lambda text: change(question, standing, text))


def change(question: Implement | Repair, standing: Mapping[str, str], text: str) -> CodeChange:
    """Make the edits of an answer; raises `Misfit` for a change that is none or may not be tried."""
    template, planned = question.template, question.idea.changes
    said = edits.read(text, template.editable)
    if said.given_up:
        return CodeChange(files={}, changes=(), note=said.given_up)
    written = edits.apply(standing, said.edits)
    if wrong := source.faults(template, written):
        raise Misfit("\n".join(wrong))
    files = turned(template, written, planned)
    unlike(files, source.editable(template), "That changes nothing but comments or layout of the unchanged code.")
    if isinstance(question, Repair):
        unlike(files, standing, "That is the code that failed.")
    return CodeChange(files=files, changes=exactly(template, files), note=said.note)


def turned(template: Template, files: Mapping[str, str], changes: tuple[Change, ...]) -> dict[str, str]:
    """Turn the idea's knobs in `files`; raises `Misfit` where another knob was turned, or one does not stand."""
    texts, after = dict(files), {each.knob: each.after for each in changes}
    try:
        before, found = source.settings(template), source.settings(template, files)
    except SourceError as error:
        raise Misfit(f"{error} Keep each knob's default in Config, and each rule one return, as they stand.") from error
    for knob in template.knobs:
        wanted, now = after.get(knob.name, before[knob.name]), found[knob.name]
        if space.fault(knob, now) is None and space.difference(knob, now, wanted) == 0:
            continue
        if now != before[knob.name]:
            raise Misfit(f"The knob `{knob.name}` now reads {now!r}; leave it at {before[knob.name]!r}.")
        name = next(name for name, text in texts.items() if name.endswith(".py") and setting.find(text, knob))
        stand = setting.find(texts[name], knob)
        if stand is not None:
            texts[name] = setting.replace(texts[name], stand, knob, wanted)
    return texts


def unlike(files: Mapping[str, str], others: Mapping[str, str], complaint: str) -> None:
    """Raise `Misfit` when `files` do what the others do: comments and layout do nothing."""
    if all(meaning(name, text) == meaning(name, others[name]) for name, text in files.items()):
        raise Misfit(f"{complaint} Change what it does, or write 'GIVE UP: ' and the reason.")


def meaning(name: str, text: str) -> str:
    """Give what a file does: Python without its comments, its layout and its docstrings."""
    if not name.endswith(".py"):
        return text
    module = ast.parse(text)
    for part in ast.walk(module):
        if isinstance(part, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            part.body = [each for each in part.body if not is_remark(each)]
    return ast.dump(module)


def is_remark(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def exactly(template: Template, files: Mapping[str, str]) -> tuple[Change, ...]:
    """List the knobs turned when turning them gives these files; empty when other code differs as well."""
    before, now = source.settings(template), source.settings(template, files)
    changes = tuple(
        Change(knob=knob.name, before=before[knob.name], after=now[knob.name])
        for knob in template.knobs
        if now[knob.name] != before[knob.name]
    )
    return changes if changes and source.apply(template, changes) == dict(files) else ()


def frame(template: Template) -> dict[str, Any]:
    """Say what of a template can be edited."""
    return {"editable": template.editable, "knobs": bool(template.knobs)}


def turns(changes: tuple[Change, ...]) -> list[str]:
    return [f"`{each.knob}` from `{each.before}` to `{each.after}`" for each in changes]


def last_lines(message: str) -> str:
    return "\n".join(message.splitlines()[-MOST_LINES:])[-MOST_CHARACTERS:]
