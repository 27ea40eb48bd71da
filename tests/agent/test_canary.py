from __future__ import annotations

import json
import re

import pytest

from agent import canary
from agent.llm import Finish, KeyRefusedError, Reply, Request, Usage
from agent.llms.scripted import ScriptedLLM


def attentive(request: Request) -> str:
    """Find what is asked for in the prompt itself."""
    text = request.messages[-1].text
    word = re.search(r"The canary is (\S+)\.", text)
    last = re.findall(r"Line (\d+):", text)[-1]
    return json.dumps({"canary": word[1] if word else "", "last_line_number": int(last)})


def through(window: int, request: Request) -> Request:
    """Cut a request as a server does that keeps only the end of what does not fit."""
    message = request.messages[-1]
    cut = message.model_copy(update={"text": message.text[-4 * window :]})
    return request.model_copy(update={"messages": (cut,)})


def test_who_sees_the_whole_prompt_has_seen_the_canary() -> None:
    look = canary.look(ScriptedLLM(attentive))
    assert (look.trouble, look.canary_seen, look.form_kept, look.cut) == ("", True, True, False)


def test_a_prompt_that_is_cut_without_a_word_is_found_out() -> None:
    def short_sighted(request: Request) -> Reply:
        seen = through(4_096, request)
        usage = Usage(input_tokens=4_096, output_tokens=20)
        return Reply(text=attentive(seen), finish=Finish.finished, usage=usage, served="tiny")

    look = canary.look(ScriptedLLM(short_sighted))
    assert look.cut
    assert (look.counted_tokens, look.sent_tokens) == (4_096, 12_000)


def test_who_follows_no_instruction_is_not_taken_for_a_cut() -> None:
    look = canary.look(ScriptedLLM(lambda _: "Hello! How can I help?"))
    assert (look.canary_seen, look.form_kept, look.cut) == (False, False, False)


@pytest.mark.parametrize("tokens", [1_000, 12_000, 50_000])
def test_the_prompt_is_as_long_as_asked_for(tokens: int) -> None:
    llm = ScriptedLLM(attentive)
    look = canary.look(llm, tokens)
    assert 0.9 * tokens <= look.sent_tokens <= tokens
    assert 0.6 * tokens < len(llm.asked[0].text) / 4 < 1.4 * tokens


def test_two_looks_hide_different_words() -> None:
    llm = ScriptedLLM(attentive)
    for _ in range(3):
        canary.look(llm, 100)
    assert len({request.digest for request in llm.asked}) == 3


def test_an_error_is_told_and_not_raised() -> None:
    def refuse(_: Request) -> str:
        raise KeyRefusedError("The key OPENAI_API_KEY was refused.")

    assert canary.look(ScriptedLLM(refuse)).trouble == "The key OPENAI_API_KEY was refused."


def test_the_short_request_is_short_and_its_own_each_time() -> None:
    one, other = canary.short(1), canary.short(2)
    assert one.digest != other.digest
    assert len(one.text) < 200
