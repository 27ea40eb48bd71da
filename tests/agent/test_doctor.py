from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from command import ratchet
from llm_server import Answer, Asked, LLMServer, Scene, Tokens

from agent import hearing
from agent.budget import Budget
from agent.check import Check
from agent.endpoint import Endpoint, Price

Serve = Callable[[Answer], LLMServer]
KEY = "sk-test-0123456789abcdef"


def attentive(asked: Asked) -> Scene:
    """Find what is asked for in the prompt itself."""
    word = re.search(r"The canary is (\S+)\.", asked.last)
    last = re.findall(r"Line (\d+):", asked.last)
    return Scene(text=json.dumps({"canary": word[1] if word else "", "last_line_number": int(last[-1])}))


def short_sighted(asked: Asked) -> Scene:
    """Answer like a server that keeps the end of what does not fit its window, and counts that alone."""
    turns = [{"role": role, "content": text[-16_000:]} for role, text in asked.turns]
    seen = replace(asked, body=asked.body | {"messages": turns})
    return replace(attentive(seen), usage=Tokens(input=4_096, output=20))


def heard(tmp_path: Path, *words: str, llm: str = "openai/x", **more: str) -> tuple[int, dict[str, Check], str]:
    """Run the doctor on one language model; give exit code, checks by what they say first, and all that was printed."""
    done = ratchet("doctor", "--llm", llm, "--json", *words, cwd=tmp_path, **more)
    checks = [Check.model_validate_json(line) for line in done.stdout.splitlines()]
    assert checks, done.stderr
    return done.returncode, {check.what: check for check in checks}, done.stdout + done.stderr


def said(checks: dict[str, Check], words: str) -> Check:
    return next(check for what, check in checks.items() if words in what)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_language_model_that_is_well_passes_with_what_the_call_cost(
    serve: Serve, tmp_path: Path, provider: str
) -> None:
    server = serve(attentive)
    url = server.v1 if provider == "openai" else server.origin
    code, checks, _ = heard(tmp_path, "--base-url", url, "--price", "1,2", "--context", "64000", llm=f"{provider}/x")
    assert code == 0, checks
    assert "sees a long prompt from its first line" in str(checks)
    assert "context window: 64,000 tokens" in checks
    cost = re.search(r"for \$(0\.\d+)", str(checks))
    assert cost is not None
    (asked,) = server.asked
    assert 0.008 < float(cost[1]) < 0.02
    assert len(asked.text) > 40_000


def test_the_size_of_the_prompt_is_an_option(serve: Serve, tmp_path: Path) -> None:
    server = serve(attentive)
    heard(tmp_path, "--base-url", server.v1, "--price", "1,2", "--prompt-tokens", "2000")
    assert 6_000 < len(server.asked[0].text) < 11_000


def test_a_window_that_cuts_without_a_word_fails_with_the_figures_and_the_setting(serve: Serve, tmp_path: Path) -> None:
    code, checks, _ = heard(tmp_path, "--base-url", serve(short_sighted).v1, "--price", "1,2")
    cut = said(checks, "CUT WITHOUT A WORD")
    assert code == 3
    assert "4,096 counted of about 12,000 tokens sent" in cut.what
    assert "num_ctx" in cut.remedy


def test_what_is_refused_is_named_with_the_way_that_was_taken_instead(serve: Serve, tmp_path: Path) -> None:
    def plain(asked: Asked) -> Scene:
        refused = Scene(status=400, error="response_format is not supported.", param="response_format")
        return refused if "response_format" in asked.body else attentive(asked)

    code, checks, _ = heard(tmp_path, "--base-url", serve(plain).v1, "--price", "1,2")
    assert code == 0
    assert "by a tool call; does without json_schema" in str(checks)


def test_who_does_not_keep_to_a_form_is_said_so(serve: Serve, tmp_path: Path) -> None:
    code, checks, _ = heard(tmp_path, "--base-url", serve(lambda _: Scene(text="Hello!")).v1, "--price", "1,2")
    assert code == 3
    assert not said(checks, "did not keep to a form").ok


def test_an_unknown_price_fails_with_both_ways_out(serve: Serve, tmp_path: Path) -> None:
    code, checks, _ = heard(tmp_path, "--base-url", serve(attentive).v1)
    unknown = said(checks, "price is not known")
    assert code == 3
    assert "--price" in unknown.remedy
    assert "--max-tokens" in unknown.remedy


def test_a_refused_key_is_told_and_never_shown(serve: Serve, tmp_path: Path) -> None:
    refusal = Scene(status=401, error=f"Incorrect API key provided: {KEY}.", code="invalid_api_key")
    server = serve(lambda _: refusal)
    settings = tmp_path / "llms.toml"
    settings.write_text(f'["openai/x"]\nbase_url = "{server.v1}"\nkey = "MY_KEY"\n')
    code, checks, printed = heard(tmp_path, "--llms", str(settings), MY_KEY=KEY)
    assert code == 3
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert "401" in str(checks)
    assert KEY not in printed


def test_a_key_that_is_not_there_is_named_and_nobody_is_asked(serve: Serve, tmp_path: Path) -> None:
    server = serve(attentive)
    settings = tmp_path / ".ratchet" / "llms.toml"
    settings.parent.mkdir()
    settings.write_text(f'["openai/x"]\nbase_url = "{server.v1}"\nkey = "MY_KEY"\n')
    code, checks, _ = heard(tmp_path)
    assert code == 3
    assert "export MY_KEY=" in said(checks, "no key MY_KEY").remedy
    assert server.asked == ()


def test_each_language_model_is_asked_once_whatever_it_is_named_for(serve: Serve, tmp_path: Path) -> None:
    server = serve(attentive)
    llm = "openai/a,code=openai/b|openai/a"
    code, _, printed = heard(tmp_path, "--base-url", server.v1, "--price", "1,2", llm=llm)
    assert code == 0
    assert [asked.model for asked in server.asked] == ["a", "b"]
    assert "openai/b (code)" in printed


def test_a_price_is_known_from_the_option_the_file_or_a_cap_on_tokens() -> None:
    unknown = Endpoint(base_url="http://127.0.0.1:1/v1")
    priced = Endpoint(price=Price(input=1, output=2))
    assert hearing.price("openai/x", priced, ()).ok
    assert not hearing.price("openai/x", unknown, (Budget(usd=5),)).ok
    assert hearing.price("openai/x", unknown, (Budget(), Budget(tokens=100))).ok
    assert "free" in hearing.price("local:/weights", Endpoint(), ()).what
