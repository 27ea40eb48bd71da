"""The layout of a conversation, as weights were trained to read it: their own, or a plain one where they bring none."""

from __future__ import annotations

from typing import Any

from agent.llm import RejectedError

TURN = "\n\n### "
NEXT = f"{TURN}User"
"""Where the answer is over in the plain layout: the next speaker begins."""


def text(tokenizer: Any, name: str, messages: list[dict[str, str]], *, going_on: bool) -> str:  # noqa: ANN401
    """Lay out `messages`, each with a `role` and a `content`; `going_on`, the last one is to be continued.

    Raises `RejectedError` when the weights' layout takes no such conversation.
    """
    said = [each | {"content": harmless(tokenizer, each["content"])} for each in messages]
    return own(tokenizer, name, said, going_on=going_on) if tokenizer.chat_template else plain(said, going_on=going_on)


def own(tokenizer: Any, name: str, messages: list[dict[str, str]], *, going_on: bool) -> str:  # noqa: ANN401
    from jinja2 import TemplateError

    try:
        made = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=not going_on, continue_final_message=going_on
        )
    except TemplateError as error:
        raise RejectedError(f"{name}: the layout of its weights refuses the request: {first_line(error)}") from error
    except ValueError as error:
        raise RejectedError(
            f"{name}: the layout of its weights lets no answer be begun: {first_line(error)}", parameter="prefill"
        ) from error
    return str(made)


def plain(messages: list[dict[str, str]], *, going_on: bool) -> str:
    turns = "".join(f"{TURN}{each['role'].capitalize()}\n{each['content']}" for each in messages)
    return turns.lstrip() + ("" if going_on else f"{TURN}Assistant\n")


def harmless(tokenizer: Any, said: str) -> str:  # noqa: ANN401
    """Break up what the tokenizer would take for the end of a message: a text may not speak for somebody else."""
    for token in tokenizer.added_tokens_decoder.values():
        if token.special and len(token.content) > 1:
            said = said.replace(token.content, f"{token.content[0]} {token.content[1:]}")
    return said


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
