"""A conversation with a language model: ask, read the answer, show it what does not fit, a few times at most."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from agent.llm import LLM, Finish, Message, MisfitError, RefusedError, Reply, Request, Shape
from agent.prompting import render
from sandboxes.record import Record

T = TypeVar("T")
F = TypeVar("F", bound=Record)

TRIES = 4
"""Answers to one request, misfits included."""
LONGEST_SHOWN = 32_000
"""Characters of an answer that are said back: whoever is to mend a text must see all of it."""


class Misfit(ValueError):  # noqa: N818 (part of a conversation, not an error)
    """An answer is not in the form that was asked for; the message tells its author what to mend."""


def converse(llm: LLM, request: Request, parse: Callable[[str], T], tries: int = TRIES) -> T:
    """Ask until `parse` takes the answer; each misfit is shown back.

    `parse` raises `Misfit`. Raises `RefusedError` at once, `MisfitError` after `tries` answers, and what the language
    model raises.
    """
    faults: list[str] = []
    for _ in range(tries):
        reply = llm.complete(request)
        if reply.finish is Finish.refused:
            raise RefusedError(f"{llm.name} refused to answer ({request.purpose}): {reply.text[:200] or 'no reason'}.")
        try:
            return parse(whole(reply, request.max_tokens))
        except Misfit as misfit:
            faults.append(str(misfit))
            request = answered(request, reply, str(misfit))
    raise MisfitError(
        f"{llm.name} gave {tries} answers to '{request.purpose}' and none fits. The last one: {faults[-1]} "
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


def read(text: str, form: type[F]) -> F:
    """Read a form from JSON, fenced or with words around it; raises `Misfit` naming every fault."""
    found = re.search(r"```(?:json)?\s*\n(.*?)```", text, re.DOTALL)
    body = found[1] if found else text[text.find("{") : text.rfind("}") + 1] or text
    try:
        return form.model_validate(json.loads(body, strict=False))
    except json.JSONDecodeError as error:
        raise Misfit(f"That is not JSON: {error}. Answer with one JSON object and nothing else.") from error
    except (ValidationError, RecursionError) as error:
        raise Misfit(f"That JSON does not fit: {described(error)}. Answer with the whole object, mended.") from error


def described(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the object'}: {each['msg']}" for each in error.errors())


def whole(reply: Reply, max_tokens: int) -> str:
    """Give the text of an answer that is all there; raises `Misfit` for one that is cut off or empty."""
    if reply.finish is Finish.truncated:
        raise Misfit(f"That answer was cut off at {max_tokens} tokens. Give the whole answer again, shorter.")
    if not reply.text.strip():
        raise Misfit("That answer was empty. Give the whole answer.")
    return reply.text


def answered(request: Request, reply: Reply, misfit: str) -> Request:
    """Go on with the conversation: the answer, and what is wrong with it."""
    said = reply.text.strip()[:LONGEST_SHOWN] or "(nothing)"
    more = (Message(speaker="assistant", text=said), Message(speaker="user", text=render("misfit", misfit=misfit)))
    return request.model_copy(update={"messages": (*request.messages, *more)})
