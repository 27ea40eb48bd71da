from __future__ import annotations

import base64
import hashlib
import json
import re
import string
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.redaction import REDACTED, Redactor, environment_secrets, is_secret

ROOT = Path(__file__).parents[2]
KEY = "Zt9-quietly_4fKq8RmB2xLw7NcD"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
keys = st.text(string.ascii_letters + string.digits + "-_", min_size=20, max_size=60).filter(is_secret)
secrets = st.text(string.ascii_letters + string.digits + '-_./+=%&!"\\ é', min_size=12, max_size=40).filter(
    lambda each: each == each.strip() and is_secret(each)
)

SHAPES = {
    "OpenAI": "sk-proj-" + "a1B2c3D4_e5F6-" * 4,
    "OpenAI, old": "sk-" + "Ab3" * 16,
    "Anthropic": "sk-ant-api03-" + "q7R-s8T_" * 10,
    "DeepSeek": "sk-" + "0a1b2c3d" * 4,
    "OpenRouter": "sk-or-v1-" + "9f8e7d6c" * 8,
    "Google": "AIza" + "SyD4-x_9" * 4 + "abc",
    "GitHub": "ghp_" + "a1B2c3D4e5F6" * 3,
    "GitHub, fine-grained": "github_pat_" + "11ABCDE_" * 8,
    "Hugging Face": "hf_" + "AbCdEfGhIjKlMnOpQr" * 2,
    "xAI": "xai-" + "Ab3dEf6h" * 8,
    "Groq": "gsk_" + "Ab3dEf6h" * 6,
    "AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.abcDEF123-_x",
}


@given(before=texts, after=texts, secret=secrets)
def test_a_known_secret_is_found_in_any_text(before: str, after: str, secret: str) -> None:
    redacted = Redactor([secret])(f"{before} {secret} {after}")
    assert secret not in redacted
    assert REDACTED in redacted


@given(secret=secrets, before=texts)
@example("a/b+c=d&e1f2g3", "")
def test_a_secret_is_found_as_an_address_carries_it(secret: str, before: str) -> None:
    redactor = Redactor([secret])
    upper = quote(secret, safe="")
    lower = re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), upper)
    for encoded in (upper, lower, quote(secret), quote_plus(secret)):
        assert encoded not in redactor(f"{before}?key={encoded}&page=1")


@given(secret=secrets, before=st.binary(max_size=20), after=st.binary(max_size=20))
def test_a_secret_is_found_in_base64_wherever_it_stood(secret: str, before: bytes, after: bytes) -> None:
    whole = base64.b64encode(before + secret.encode() + after).decode()
    redacted = Redactor([secret])(f"Basic {whole}")
    assert REDACTED in redacted
    kept = redacted.removeprefix("Basic ").split(REDACTED)[0]
    assert len(kept) * 6 < (len(before) + 2) * 8 + 6


@given(secret=secrets, words=texts)
def test_json_with_a_secret_in_it_stays_json(secret: str, words: str) -> None:
    plain = json.dumps({"said": f'{words}"{secret}"\n{words}', "number": 12, "list": [secret, words]})
    redacted = Redactor([secret])(plain)
    assert secret not in json.dumps(json.loads(redacted), ensure_ascii=False).replace("\\\\", "\\")
    assert json.loads(redacted)["number"] == 12


@given(secret=keys, cut=st.integers(12, 60))
def test_the_first_and_the_last_twelve_characters_give_a_secret_away(secret: str, cut: int) -> None:
    redactor = Redactor([secret])
    assert secret[:12] not in redactor(f"wrong key {secret[:cut]}")
    assert secret[-12:] not in redactor(f"{secret[-cut:]} was the key")


@given(secret=keys)
def test_the_echo_of_a_key_behind_a_mask_is_found(secret: str) -> None:
    redactor = Redactor([secret])
    for mask in ("***", "*" * 20, "...", "…", "•••"):
        for start in (4, 8):
            assert secret[-4:] not in redactor(f"Incorrect API key provided: {secret[:start]}{mask}{secret[-4:]}.")


@pytest.mark.parametrize("key", SHAPES.values(), ids=SHAPES)
def test_the_shape_of_a_key_is_enough(key: str) -> None:
    redactor = Redactor()
    for text in (key, f"key={key}", f'{{"key": "{key}"}}', f"({key})", f"wrong key {key}, try again", f"\n{key}\n"):
        assert redactor(text).replace(REDACTED, key) == text
        assert key not in redactor(text)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer 0123456789abcdef0123456789abcdef",
        '{"authorization": "bearer a1B2c3D4e5F6g7H8"}',
        "OPENAI_API_KEY=0123456789abcdef0123456789abcdef",
        'export AZURE_API_KEY="a1B2c3D4e5F6g7H8"',
        "https://example.org/search?api_key=a1B2c3D4e5F6g7H8&page=2",
        "'x-api-key': 'a1B2c3D4e5F6g7H8'",
        json.dumps(json.dumps({"api_key": "a1B2c3D4e5F6g7H8"})),
        "Incorrect API key provided: sk-proj-********************wxyz.",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabc\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_is_said_to_be_a_key_is_one(text: str) -> None:
    redacted = Redactor()(text)
    assert REDACTED in redacted
    assert not {"a1B2c3D4e5F6g7H8", "0123456789abcdef", "wxyz", "MIIEowIBAAKCAQEA"} & set(redacted.split())
    assert "a1B2c3D4" not in redacted
    assert "01234567" not in redacted


@given(data=st.binary(max_size=40), length=st.integers(32, 64))
def test_digests_are_left_alone(data: bytes, length: int) -> None:
    digest = hashlib.sha256(data).hexdigest()[:length]
    record = json.dumps({"digest": digest, "token": digest, "key": digest, "path": f"exchanges/{digest}.json"})
    assert Redactor([KEY])(record) == record


@given(st.lists(st.floats() | st.integers() | st.sampled_from(["task-", "sk-learn", "risk-averse", "ask-tell"])))
def test_numbers_and_words_are_left_alone(values: list[float | str]) -> None:
    text = " ".join(map(str, values))
    assert Redactor([KEY])(text) == text


@given(st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=12), min_size=1))
def test_words_joined_by_hyphens_are_no_key(words: list[str]) -> None:
    text = f"sk-{'-'.join(words)} and bearer {'-'.join(words)}"
    assert Redactor([KEY])(text) == text


def test_nothing_in_this_project_but_its_tests_looks_like_a_key() -> None:
    redactor = Redactor([KEY])
    folders = ("agent", "papers", "reviews", "sandboxes", "templates", "docs", "benchmarks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    changed = [str(path) for path in files if redactor(path.read_text()) != path.read_text()]
    assert len(files) > 100
    assert changed == []


SUFFIXES = (".py", ".md", ".toml", ".j2", ".bib", ".jsonl", ".json", ".tex", ".sty")


@given(text=texts, secret=keys)
def test_redacting_twice_changes_no_more(text: str, secret: str) -> None:
    redactor = Redactor([secret])
    once = redactor(f"{text}{secret}{text} sk-{secret} api_key={secret}{text}")
    assert redactor(once) == once


@given(before=st.integers(0, 20_000), after=st.integers(0, 20_000), secret=secrets)
def test_long_texts_are_redacted_like_short_ones(before: int, after: int, secret: str) -> None:
    redactor = Redactor([secret])
    short = redactor(f"x {secret} y {SHAPES['Anthropic']} z")
    long = redactor(f"{'a b ' * (before // 4)}x {secret} y {SHAPES['Anthropic']} z{' c d' * (after // 4)}")
    assert short in long
    assert secret not in long


def test_placeholders_and_numbers_are_no_secrets() -> None:
    text = "EMPTY dummy ollama lm-studio none 1234567890123456 2026-11-23"
    assert Redactor(text.split())(text) == text


def test_of_two_secrets_the_longer_is_found_whole() -> None:
    assert Redactor([KEY, KEY + "-and-more-1"])(f"<{KEY}-and-more-1>") == f"<{REDACTED}>"


def test_the_environment_names_its_secrets() -> None:
    environ = {
        "OPENAI_API_KEY": "a1B2c3D4e5F6",
        "ANTHROPIC_API_KEY_2": "b1B2c3D4e5F6",
        "HF_TOKEN": "hf_x",
        "database_password": "hunter2",
        "SSH_KEY_PATH": "/home/me/.ssh/id_ed25519",
        "KEYBOARD": "querty-1234",
        "PATH": "/usr/bin",
        "EMPTY_KEY": "",
    }
    assert sorted(environment_secrets(environ)) == ["a1B2c3D4e5F6", "b1B2c3D4e5F6", "hf_x", "hunter2"]


def test_a_variable_of_raw_bytes_keeps_nothing_from_being_redacted() -> None:
    assert Redactor([b"\xff\xfeabc-1234567".decode("utf-8", "surrogateescape"), KEY])(KEY) == REDACTED


def test_a_redactor_shows_no_secret_of_its_own() -> None:
    assert KEY not in repr(Redactor([KEY]))


def test_a_hundred_kilobytes_take_about_a_millisecond() -> None:
    redactor = Redactor(hashlib.sha256(bytes([number])).hexdigest() + "Zz" for number in range(5))
    text = ((ROOT / "README.md").read_text() * 50)[:100_000]
    redactor(text)
    assert min(timed(redactor, text) for _ in range(20)) < 0.003


def timed(redactor: Redactor, text: str) -> float:
    started = time.perf_counter()
    redactor(text)
    return time.perf_counter() - started


def test_no_text_takes_long_to_redact() -> None:
    redactor = Redactor([KEY])
    for text in ("sk-" * 30_000, "a" * 100_000, "*" * 100_000, "api_key=" * 12_000, KEY[-12:] * 8_000, "eyJ" * 30_000):
        assert timed(redactor, text) < 2
