from __future__ import annotations

from pathlib import Path

import pytest

from agent import selection
from agent.endpoint import Endpoint, Price
from agent.selection import SelectionError


def test_one_name_answers_every_kind() -> None:
    assert selection.parse(["openai/gpt-x"]) == dict.fromkeys(selection.KINDS, ("openai/gpt-x",))


def test_kinds_that_are_not_named_are_left_out() -> None:
    assert selection.parse(["ideas=openai/a,code=anthropic/b"]) == {"ideas": ("openai/a",), "code": ("anthropic/b",)}


def test_a_kind_that_is_named_goes_before_the_name_for_all_in_whatever_order() -> None:
    chosen = selection.parse(["code=anthropic/b", "openai/a"])
    assert chosen == selection.parse(["openai/a,code=anthropic/b"])
    assert (chosen["code"], chosen["ideas"]) == (("anthropic/b",), ("openai/a",))


def test_fallbacks_follow_in_their_order() -> None:
    assert selection.parse(["code=anthropic/a|openai/b"]) == {"code": ("anthropic/a", "openai/b")}


def test_the_embedded_researcher_may_be_named() -> None:
    chosen = selection.parse(["openai/a", "writing=embedded"])
    assert chosen["writing"] == ()
    assert chosen["review"] == ("openai/a",)


def test_a_folder_of_weights_is_found_from_everywhere() -> None:
    assert selection.parse(["code=local:weights"]) == {"code": (f"local:{Path.cwd() / 'weights'}",)}


def test_a_name_may_have_more_than_one_slash_and_an_equals_sign() -> None:
    assert selection.parse(["openrouter/vendor/name=v2"])["ideas"] == ("openrouter/vendor/name=v2",)


@pytest.mark.parametrize(
    ("specs", "told"),
    [
        (("gpt-x",), "'gpt-x' names no language model"),
        (("idea=openai/a",), "no kind of question 'idea'"),
        (("code=openai/a", "code=openai/b"), "names code twice"),
        (("openai/a", "openai/b"), "twice"),
        (("code=openai/a|openai/a",), "one language model twice"),
        (("code=openai/a|embedded",), "stands alone"),
        (("code=",), "'' names no language model"),
        (("openai/a,",), "at ''"),
        (("openai/",), "'openai/' names no language model"),
        (("local:",), "'local:' names no language model"),
        (("",), "'' names no language model"),
    ],
    ids=str,
)
def test_a_faulty_choice_is_answered_with_the_right_form_and_the_kinds(specs: tuple[str, ...], told: str) -> None:
    with pytest.raises(SelectionError) as caught:
        selection.parse(specs)
    assert told in str(caught.value)
    assert "KIND=PROVIDER/MODEL" in str(caught.value)
    assert "ideas, code, writing, review" in str(caught.value)


def test_a_price_has_two_to_four_numbers() -> None:
    assert selection.price("2.5,10") == Price(input=2.5, output=10)
    assert selection.price("2.5,10,0.25,3") == Price(input=2.5, output=10, cache_read=0.25, cache_write=3)


@pytest.mark.parametrize("text", ["", "1", "1,2,3,4,5", "1,two", "1,-2", "nan,1", "1,inf"])
def test_what_is_no_price_is_answered_with_an_example(text: str) -> None:
    with pytest.raises(SelectionError, match=r"--price 2\.5,10"):
        selection.price(text)


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "llms.toml"
    file.write_text(text)
    return file


def test_a_settings_file_says_what_is_to_be_known_of_each_name(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '["openai/mine"]\nbase_url = "http://127.0.0.1:8000/v1"\nkey = "MY_KEY"\nprice = { input = 1, output = 2 }\n',
    )
    expected = Endpoint(base_url="http://127.0.0.1:8000/v1", key="MY_KEY", price=Price(input=1, output=2))
    assert selection.settings(file, required=True) == {"openai/mine": expected}


def test_a_usual_settings_file_may_be_absent_and_a_named_one_may_not(tmp_path: Path) -> None:
    assert selection.settings(tmp_path / "none.toml", required=False) == {}
    with pytest.raises(SelectionError, match=r"none\.toml cannot be read"):
        selection.settings(tmp_path / "none.toml", required=True)


def test_every_fault_of_a_settings_file_is_named_at_once(tmp_path: Path) -> None:
    text = '["openai/a"]\nbase = "x"\n["mine"]\nkey = "K"\n["openai/c"]\nbase_url = "127.0.0.1:80"\n'
    with pytest.raises(SelectionError) as caught:
        selection.settings(written(tmp_path, text), required=True)
    for fault in ("openai/a: base", "'mine' names no language model", "'127.0.0.1:80' is no address"):
        assert fault in str(caught.value)


@pytest.mark.parametrize("secret", ["sk-abcdef0123456789", "gsk_abcdef0123456789"])
def test_a_key_written_where_its_name_belongs_is_refused_and_not_repeated(tmp_path: Path, secret: str) -> None:
    with pytest.raises(SelectionError) as caught:
        selection.settings(written(tmp_path, f'["openai/a"]\nkey = "{secret}"\n'), required=True)
    assert "environment variable" in str(caught.value)
    assert secret not in str(caught.value)


def test_an_address_with_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(SelectionError) as caught:
        selection.endpoints(["openai/a"], {}, {"base_url": "https://me:hunter2@example.org/v1"})
    assert "hunter2" not in str(caught.value)


def test_options_of_the_command_line_go_before_the_settings_file() -> None:
    known = {"openai/a": Endpoint(base_url="http://one/v1", key="MY_KEY"), "openai/b": Endpoint(key="OTHER")}
    found = selection.endpoints(["openai/a", "openai/c"], known, {"base_url": "http://two/v1", "context_tokens": None})
    assert found == {
        "openai/a": Endpoint(base_url="http://two/v1", key="MY_KEY"),
        "openai/c": Endpoint(base_url="http://two/v1"),
    }


def test_what_is_taken_at_its_provider_needs_no_table() -> None:
    assert selection.endpoints(["openai/a"], {}, {"base_url": None}) == {}
