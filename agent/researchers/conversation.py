"""A conversation with a language model: ask, read the answer, show it what does not fit, a few times at most."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from agent.llm import LLM, Finish, Message, MisfitError, RefusedError, Reply, Request, Shape
from agent.prompting import render
from agent.researchers.forms import Misfit, read
from sandboxes.record import Record

T = TypeVar("T")
F = TypeVar("F", bound=Record)

TRIES = 4
"""Answers to one request, misfits included."""
LONGEST_SHOWN = 32_000
"""Characters of an answer that are said back: whoever is to mend a text must see all of it."""
LONGEST_MISFIT = 6_000
"""Characters of what is said against an answer."""


def converse(llm: LLM, request: Request, parse: Callable[[str], T], tries: int = TRIES) -> T:
    """Ask until `parse` takes the answer; the last answer and what does not fit in it are shown back.

    `parse` raises `Misfit`. Raises `RefusedError` at once, `MisfitError` after `tries` answers, and what the language
    model raises.
    """
    asked, fault = request, ""
    for number in range(1, tries + 1):
        reply = llm.complete(asked)
        if reply.finish is Finish.refused:
            raise RefusedError(f"{llm.name} refused to answer ({request.purpose}): {reply.text[:200] or 'no reason'}.")
        try:
            return parse(whole(reply, request.max_tokens))
        except Misfit as misfit:
            fault = str(misfit)
            asked = answered(request, reply, fault, number)
    raise MisfitError(
        f"{llm.name} gave {tries} answers to '{request.purpose}' and none fits. The last one: {fault} "
        f"Choose another language model for this kind of question with --llm."
    )


def fill(llm: LLM, request: Request, form: type[F], check: Callable[[F], str] = lambda _: "") -> F:
    """Ask for a filled form; `check` says what is wrong with one that fits its schema, or nothing."""
    shape = Shape(name=form.__name__.lower(), json_schema=form.model_json_schema())

    def parse(text: str) -> F:
        filled = read(text, form)
        if fault := check(filled):
            raise Misfit(fault)
        return filled

    return converse(llm, request.model_copy(update={"shape": shape}), parse)


def whole(reply: Reply, max_tokens: int) -> str:
    """Give the text of an answer that is all there; raises `Misfit` for one that is cut off or empty."""
    if reply.finish is Finish.truncated:
        raise Misfit(f"That answer was cut off at {max_tokens} tokens. Give the whole answer again, shorter.")
    if not reply.text.strip():
        raise Misfit("That answer was empty. Give the whole answer.")
    return reply.text


def answered(request: Request, reply: Reply, misfit: str, number: int) -> Request:
    """Ask again with the answer and what is wrong with it, and nothing of the answers before.

    The number of the answer tells apart what would else be asked twice in the same bytes, and so be answered from the
    record.
    """
    said = reply.text.strip()[:LONGEST_SHOWN] if reply.finish is not Finish.truncated else "(cut off)"
    complaint = render("misfit", misfit=misfit[:LONGEST_MISFIT], number=number)
    more = (Message(speaker="assistant", text=said or "(nothing)"), Message(speaker="user", text=complaint))
    return request.model_copy(update={"messages": (*request.messages, *more)})
