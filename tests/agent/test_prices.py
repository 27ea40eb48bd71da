from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import prices
from agent.endpoint import Endpoint, Price
from agent.llm import Message, Request, Shape, Usage

ROOT = Path(prices.__file__).parents[1]
PRICE = Price(input=3, output=15, cache_read=0.3, cache_write=3.75)
CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
    r"|\s+(?!\S)|\s"
)
"""How that tokenizer cuts a text before it counts."""
TEXTS = {
    "prose": (ROOT / "README.md").read_text,
    "code": (ROOT / "agent" / "journal.py").read_text,
    "toml": (ROOT / "agent" / "prices.toml").read_text,
    "tex": lambda: "".join(path.read_text() for path in sorted((ROOT / "papers").rglob("*.py")))[:60_000],
    "bibtex": lambda: "".join(path.read_text() for path in sorted((ROOT / "templates").rglob("references.bib"))),
    "jsonl": lambda: "".join(path.read_text() for path in sorted((ROOT / "templates").rglob("*.jsonl")))[:60_000],
    "figures": lambda: "\n".join(f"{i},{i * 0.7310585786:.6f},{i**2 / 7:.4e}" for i in range(1, 2000)),
    "digits": lambda: "0123456789" * 1000,
    "Chinese": lambda: "我们提出一种新的方法来估计最小熵耦合并在多个任务上进行了评估。" * 50,
    "Russian": lambda: "Мы предлагаем новый метод оценки и проверяем его на нескольких задачах. " * 50,
}


def request(text: str, max_tokens: int = 1000, shape: Shape | None = None) -> Request:
    return Request(
        purpose="write",
        system="Be brief.",
        context="About a template.",
        messages=(Message(speaker="user", text=text),),
        max_tokens=max_tokens,
        shape=shape,
    )


@pytest.fixture(scope="module")
def counters() -> dict[str, Callable[[str], int]]:
    """Two real tokenizers that litellm ships: OpenAI's cl100k_base, by its ranks, and Anthropic's published one."""
    tokenizers = pytest.importorskip("tokenizers")
    folder = Path(str(metadata.distribution("litellm").locate_file("litellm/litellm_core_utils/tokenizers")))
    claude = tokenizers.Tokenizer.from_file(str(folder / "anthropic_tokenizer.json"))
    tiktoken = pytest.importorskip("tiktoken")
    load = pytest.importorskip("tiktoken.load")
    cl100k = tiktoken.Encoding(
        name="cl100k",
        pat_str=CL100K,
        mergeable_ranks=load.load_tiktoken_bpe(str(folder / "9b5ad71b2ce5302211f9c61530b329a4922fc6a4")),
        special_tokens={},
    )
    return {
        "claude": lambda text: len(claude.encode(text).ids),
        "cl100k": lambda text: len(cl100k.encode_ordinary(text)),
    }


@pytest.mark.parametrize("kind", TEXTS)
def test_tokens_are_estimated_from_above(kind: str, counters: dict[str, Callable[[str], int]]) -> None:
    asked = request(TEXTS[kind]())
    assert len(asked.text) > 1000
    for name, count in counters.items():
        assert count(asked.text) <= prices.most_tokens(asked), name


def test_the_form_that_is_sent_along_counts() -> None:
    shape = Shape(name="idea", json_schema={"type": "object", "description": "x" * 1000})
    assert prices.most_tokens(request("Why?", shape=shape)) >= prices.most_tokens(request("Why?")) + 500


def test_each_class_of_tokens_has_its_price_and_reasoning_is_output() -> None:
    million = 1_000_000
    assert prices.usd(PRICE, Usage(input_tokens=million)) == 3
    assert prices.usd(PRICE, Usage(cache_read_tokens=million)) == 0.3
    assert prices.usd(PRICE, Usage(cache_write_tokens=million)) == 3.75
    assert prices.usd(PRICE, Usage(output_tokens=million, reasoning_tokens=million // 2)) == 15


def test_cached_tokens_without_a_price_of_their_own_cost_as_input() -> None:
    usage = Usage(cache_read_tokens=1_000_000, cache_write_tokens=1_000_000)
    assert prices.usd(Price(input=3, output=15), usage) == 6


@given(
    fresh=st.integers(0, 1),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    output=st.integers(0, 1000),
    price=st.builds(
        Price,
        input=st.floats(0, 100),
        output=st.floats(0, 500),
        cache_read=st.none() | st.floats(0, 100),
        cache_write=st.none() | st.floats(0, 200),
    ),
)
def test_no_call_costs_more_than_its_bound(fresh: int, shares: tuple[float, float], output: int, price: Price) -> None:
    asked = request("Why is that so? " * 100)
    bound = prices.upper_bound(asked, Endpoint(price=price))
    total = bound.usage.input_tokens - fresh
    read = int(total * shares[0])
    written = int((total - read) * shares[1])
    usage = Usage(
        input_tokens=total - read - written, cache_read_tokens=read, cache_write_tokens=written, output_tokens=output
    )
    assert prices.usd(price, usage) <= bound.usd * (1 + 1e-12)


def test_a_bound_is_no_larger_than_what_the_language_model_can_read_and_write() -> None:
    small = Endpoint(price=PRICE, context_tokens=4096, max_output_tokens=500)
    bound = prices.upper_bound(request("x" * 100_000, max_tokens=2000), small)
    assert (bound.usage.input_tokens, bound.usage.output_tokens) == (4096, 500)


def test_without_a_price_the_bound_is_in_tokens() -> None:
    bound = prices.upper_bound(request("Why?"), Endpoint())
    assert (bound.usd, bound.priced) == (0, False)
    assert bound.spend.unpriced_tokens == bound.spend.tokens > 1000


def test_the_users_word_goes_before_the_price_file() -> None:
    own = Price(input=0.01, output=0.02)
    assert prices.price("openai/gpt-5.5", Endpoint(price=own)) == own
    assert prices.price("openai/gpt-5.5", Endpoint()) not in (None, own)


@pytest.mark.parametrize(
    ("dated", "plain"),
    [
        ("openai/gpt-5.5-2026-05-01", "openai/gpt-5.5"),
        ("anthropic/claude-opus-4-5-20251101", "anthropic/claude-opus-4-5"),
        ("anthropic/claude-sonnet-4-5@20250929", "anthropic/claude-sonnet-4-5"),
        ("openai/GPT-5.5", "openai/gpt-5.5"),
    ],
)
def test_a_dated_version_costs_what_its_name_costs(dated: str, plain: str) -> None:
    assert prices.price(dated, Endpoint()) == prices.price(plain, Endpoint()) is not None


@pytest.mark.parametrize(
    "name", ["openai/gpt-5.5-huge", "openai/gpt-5.5-2026", "acme/large", "openrouter/openai/gpt-5"]
)
def test_a_name_that_only_begins_like_one_in_the_file_has_no_price(name: str) -> None:
    assert prices.price(name, Endpoint()) is None


@pytest.mark.parametrize("name", ["local:/weights", "ollama/llama3", "vllm/qwen", "llamacpp/x", "lmstudio/x"])
def test_weights_of_ones_own_cost_nothing(name: str) -> None:
    assert prices.price(name, Endpoint()) == prices.FREE


def test_a_server_elsewhere_may_cost_whatever_it_is_called() -> None:
    assert prices.price("vllm/qwen", Endpoint(base_url="http://127.0.0.1:9000/v1")) == prices.FREE
    assert prices.price("vllm/qwen", Endpoint(base_url="https://llm.example.org/v1")) is None


def test_what_the_user_left_open_is_filled_in() -> None:
    filled = prices.known("anthropic/claude-opus-4-5", Endpoint(max_output_tokens=10, timeout_seconds=5))
    assert filled.price is not None
    assert (filled.context_tokens, filled.max_output_tokens, filled.timeout_seconds) == (200_000, 10, 5)


def test_every_price_in_the_file_is_dated_sourced_and_plausible() -> None:
    for name, listed in prices.price_file().items():
        price = listed.price
        assert len(listed.as_of) == len("2026-01-01"), name
        assert listed.source, name
        assert 0 < price.input <= price.output < 1000, name
        assert 0 < (price.cache_read or price.input) <= price.input, name
        assert price.input <= (price.cache_write or price.input) <= 2 * price.input, name
        assert (listed.context_tokens or 0) > 10_000, name
