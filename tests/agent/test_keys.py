from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from agent.keys import Keys, KeysError, redactor

KEY = "sk-test-4fKq8RmB2xLw7NcD"
OTHER = "other-7NcD4fKq8RmB2xLw"


def filed(tmp_path: Path, content: str, mode: int = 0o600) -> Path:
    file = tmp_path / "keys.toml"
    file.write_text(content)
    file.chmod(mode)
    return file


def test_a_key_is_found_in_the_environment(tmp_path: Path) -> None:
    keys = Keys({"OPENAI_API_KEY": f" {KEY}\n"}, tmp_path / "none.toml")
    assert keys.key("OPENAI_API_KEY").get_secret_value() == KEY


def test_a_key_is_found_in_the_file(tmp_path: Path) -> None:
    keys = Keys({}, filed(tmp_path, f'OPENAI_API_KEY = "{KEY}"\n'))
    assert keys.key("OPENAI_API_KEY").get_secret_value() == KEY


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    keys = Keys({"OPENAI_API_KEY": OTHER}, filed(tmp_path, f'OPENAI_API_KEY = "{KEY}"\n'))
    assert keys.key("OPENAI_API_KEY").get_secret_value() == OTHER


def test_an_empty_variable_hides_no_key(tmp_path: Path) -> None:
    keys = Keys({"OPENAI_API_KEY": " "}, filed(tmp_path, f'OPENAI_API_KEY = "{KEY}"\n'))
    assert keys.key("OPENAI_API_KEY").get_secret_value() == KEY


def test_the_file_lies_where_the_environment_says(tmp_path: Path) -> None:
    file = filed(tmp_path, f'OPENAI_API_KEY = "{KEY}"\n')
    assert Keys({"RATCHET_KEYS": str(file)}).key("OPENAI_API_KEY").get_secret_value() == KEY


def test_a_missing_key_says_what_to_set_and_where_to_write_it(tmp_path: Path) -> None:
    keys = Keys({}, tmp_path / "keys.toml")
    assert keys.find("XAI_API_KEY") is None
    with pytest.raises(KeysError, match="variable XAI_API_KEY") as raised:
        keys.key("XAI_API_KEY")
    assert f'XAI_API_KEY = "…" to {tmp_path / "keys.toml"}' in str(raised.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o610])
def test_a_file_that_is_open_to_others_is_refused_with_the_command_that_closes_it(tmp_path: Path, mode: int) -> None:
    file = filed(tmp_path, f'OPENAI_API_KEY = "{KEY}"\n', mode)
    with pytest.raises(KeysError, match=f"mode {mode:o}.*chmod 600 {file}") as raised:
        Keys({}, file)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("content", [f"OPENAI_API_KEY = {KEY}", f"{KEY}", f'A = "{KEY}"\nA = "{KEY}"', f'"{KEY}'])
def test_a_file_that_cannot_be_read_shows_no_key_in_its_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(KeysError, match=r"is no key file: .*line") as raised:
        Keys({}, filed(tmp_path, content))
    assert KEY not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_a_value_without_quotes_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match=r"SOME_KEY is no text\. Write the key in quotes"):
        Keys({}, filed(tmp_path, "SOME_KEY = 12\n"))


@pytest.mark.parametrize("spoiled", [f"{KEY[:7]}…{KEY[7:]}", f"{KEY[:7]} {KEY[7:]}", f"{KEY[:7]}\n{KEY[7:]}"])
def test_a_key_that_no_header_can_carry_is_refused_before_it_is_sent(tmp_path: Path, spoiled: str) -> None:
    with pytest.raises(KeysError, match="OPENAI_API_KEY has a character at place 8") as raised:
        Keys({"OPENAI_API_KEY": spoiled}, tmp_path / "none.toml").key("OPENAI_API_KEY")
    assert KEY[:7] not in str(raised.value)


def test_keys_show_none_of_themselves(tmp_path: Path) -> None:
    keys = Keys({"OPENAI_API_KEY": KEY}, filed(tmp_path, f'HF_TOKEN = "{OTHER}"\n'))
    for shown in (repr(keys), str(keys), repr(vars(keys)), repr(keys.key("HF_TOKEN")), f"{keys.key('HF_TOKEN')}"):
        assert KEY not in shown
        assert OTHER not in shown


@pytest.mark.parametrize("preserve", [pickle.dumps, copy.copy, copy.deepcopy])
def test_keys_are_never_pickled(tmp_path: Path, preserve: object) -> None:
    assert callable(preserve)
    with pytest.raises(TypeError, match="never pickled"):
        preserve(Keys({"OPENAI_API_KEY": KEY}, tmp_path / "none.toml"))


def test_all_that_is_secret_is_told_to_the_redactor(tmp_path: Path) -> None:
    file = filed(tmp_path, f'my_server = "{OTHER}"\n')
    environ = {"OPENAI_API_KEY": KEY, "PATH": "/usr/bin", "RATCHET_KEYS": str(file)}
    assert set(Keys(environ).secrets()) == {KEY, OTHER}
    assert redactor(environ)(f"{KEY} {OTHER} /usr/bin") == "[redacted] [redacted] /usr/bin"


def test_a_file_that_cannot_be_used_does_not_keep_the_environment_from_being_redacted(tmp_path: Path) -> None:
    file = filed(tmp_path, f'my_server = "{OTHER}"\n', 0o644)
    assert redactor({"OPENAI_API_KEY": KEY, "RATCHET_KEYS": str(file)})(f"<{KEY}>") == "<[redacted]>"
