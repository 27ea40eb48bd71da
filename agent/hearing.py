"""A hearing: what is found out about language models before they work, without and with a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from agent import canary, prices, selection
from agent.budget import Budget
from agent.canary import Look
from agent.check import Check, refuse_lacking
from agent.endpoint import Endpoint
from agent.keys import Keys
from agent.llm import LLM, LLMError, OverloadedError
from agent.llms import doors, names
from agent.llms.doors import MissingExtraError
from agent.selection import Chosen

WINDOW_REMEDY = (
    "Give the server a larger window: for Ollama 'OLLAMA_CONTEXT_LENGTH=32768 ollama serve', or the line 'PARAMETER "
    "num_ctx 32768' in a Modelfile; for llama.cpp --ctx-size 32768; for vLLM --max-model-len 32768."
)


def ready(chosen: Chosen, budgets: tuple[Budget, ...], keys: Keys) -> Iterator[Check]:
    """Look for the library, the key and the price of each language model; nobody is asked anything."""
    for name in selection.names(chosen.llms):
        endpoint = chosen.endpoints.get(name, Endpoint())
        yield library(name, endpoint)
        yield key(name, endpoint, keys)
        yield price(name, endpoint, budgets)


def library(name: str, endpoint: Endpoint) -> Check:
    try:
        doors.door(name, endpoint, None)
    except MissingExtraError as error:
        what, _, remedy = str(error).partition(" Run: ")
        return Check(name=name, ok=False, what=what, remedy=remedy)
    return Check(name=name, ok=True, what="its library is installed")


def key(name: str, endpoint: Endpoint, keys: Keys) -> Check:
    variable = names.key_variable(name, endpoint)
    if not variable:
        return Check(name=name, ok=True, what="needs no key")
    if keys.find(variable) is not None:
        return Check(name=name, ok=True, what=f"key {variable}")
    remedy = f'export {variable}=…, or add the line {variable} = "…" to ~/.ratchet/keys.toml (chmod 600).'
    return Check(name=name, ok=False, what=f"there is no key {variable}", remedy=remedy)


def price(name: str, endpoint: Endpoint, budgets: tuple[Budget, ...]) -> Check:
    """Refuse what nobody knows the price of, unless tokens are capped."""
    known = prices.price(name, endpoint)
    if prices.runs_here(name, endpoint) and endpoint.price is None:
        return Check(name=name, ok=True, what="free: it runs on this machine")
    if known is not None:
        return Check(
            name=name, ok=True, what=f"{dollars(known.input)} in, {dollars(known.output)} out{dated(name, endpoint)}"
        )
    if any(budget.tokens is not None for budget in budgets):
        return Check(name=name, ok=True, what="price unknown; tokens are capped")
    remedy = "Say it with --price IN,OUT (US dollars for a million tokens), or cap the tokens with --max-tokens N."
    return Check(name=name, ok=False, what="its price is not known", remedy=remedy)


def dollars(usd: float) -> str:
    return f"${usd:g}"


def dated(name: str, endpoint: Endpoint) -> str:
    found = prices.listed(name)
    if endpoint.price is not None:
        return " for a million tokens, as you said"
    return f" for a million tokens, as of {found.as_of}" if found else ""


def try_language_models(llms: Mapping[str, LLM], sample: int) -> None:
    """Ask each for a word; raises `PreflightError` naming those that cannot answer, but not for being busy."""
    refuse_lacking("a language model does not answer", [tried(name, llm, sample) for name, llm in llms.items()])


def tried(name: str, llm: LLM, sample: int) -> Check:
    try:
        reply = llm.complete(canary.short(sample))
    except OverloadedError as error:
        return Check(name=name, ok=True, what=f"busy: {error}")
    except LLMError as error:
        return Check(name=name, ok=False, what=str(error))
    return Check(name=name, ok=True, what=f"answers as {reply.served}")


def hear(chosen: Chosen, keys: Keys, opened: Callable[[str], LLM], prompt_tokens: int) -> Iterator[Check]:
    """Ask each language model once, with a long prompt, and say what that showed."""
    for name in selection.names(chosen.llms):
        endpoint = chosen.endpoints.get(name, Endpoint())
        known = (library(name, endpoint), key(name, endpoint, keys))
        yield from known
        if all(check.ok for check in known):
            kinds = ", ".join(kind for kind in selection.KINDS if name in chosen.llms.get(kind, ()))
            yield from told(name, endpoint, canary.look(opened(name), prompt_tokens), kinds)
        yield price(name, endpoint, ())


def told(name: str, endpoint: Endpoint, look: Look, kinds: str) -> Iterator[Check]:
    """Say in checks what one call showed."""
    if look.trouble:
        yield Check(name=f"{name} ({kinds})", ok=False, what=look.trouble)
        return
    what = f"answered in {look.seconds:.1f} s as {look.served}{paid(name, endpoint, look)}"
    yield Check(name=f"{name} ({kinds})", ok=True, what=what)
    yield whole(name, look)
    yield form(name, look)
    yield window(name, endpoint, look)


def paid(name: str, endpoint: Endpoint, look: Look) -> str:
    known = prices.price(name, endpoint)
    if known is None or look.usage is None:
        return "; cost unknown"
    return f" for ${prices.usd(known, look.usage):.4f}"


def whole(name: str, look: Look) -> Check:
    """Say whether it saw the beginning of the long prompt."""
    counted = "an unknown number" if look.counted_tokens is None else f"{look.counted_tokens:,}"
    sizes = f"{counted} counted of about {look.sent_tokens:,} tokens sent"
    if look.cut:
        what = f"LONG PROMPTS ARE CUT WITHOUT A WORD: the first line was not seen, {sizes}"
        return Check(name=name, ok=False, what=what, remedy=WINDOW_REMEDY)
    if not look.canary_seen:
        what = f"did not give back the word of the first line; {sizes}"
        return Check(
            name=name, ok=False, what=what, remedy="It may follow instructions poorly: choose another, or try again."
        )
    return Check(name=name, ok=True, what=f"sees a long prompt from its first line; {sizes}")


def form(name: str, look: Look) -> Check:
    mode = next((mode for lacking, mode in MODES if lacking in look.adapted), "a JSON schema")
    without = f"; does without {', '.join(look.adapted)}" if look.adapted else ""
    if look.form_kept:
        return Check(name=name, ok=True, what=f"answers in a form, by {mode}{without}")
    remedy = "Misfits are shown back to it, which costs tokens; another language model may do better."
    return Check(name=name, ok=False, what=f"did not keep to a form, by {mode}{without}", remedy=remedy)


MODES = (("tools", "words"), ("json_schema", "a tool call"))
"""How a form is asked for when this is refused."""


def window(name: str, endpoint: Endpoint, look: Look) -> Check:
    found = prices.listed(name)
    tokens = endpoint.context_tokens or (found.context_tokens if found else None)
    if tokens is None:
        at_least = f"at least {look.counted_tokens:,} tokens" if look.canary_seen and look.counted_tokens else "unknown"
        return Check(name=name, ok=True, what=f"context window: {at_least}; say it with --context N")
    return Check(name=name, ok=True, what=f"context window: {tokens:,} tokens")
