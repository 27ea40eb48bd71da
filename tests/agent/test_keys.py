from __future__ import annotations

import base64
import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from llm_server import Asked, LLMServer, Scene

from agent.keys import Keys, KeysError, redactor
from templates import scaffold

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


JOB = """
import os, pathlib, sys
print(dict(os.environ))
for place in [*sys.argv[1:], *pathlib.Path("/proc").glob("*/environ"), "/root", "/home", "/root/.ratchet/keys.toml"]:
    try:
        place = pathlib.Path(place)
        print(place, [*place.iterdir()] if place.is_dir() else place.read_bytes())
    except OSError as error:
        print(place, error.strerror)
print("looked everywhere")
"""
HOST = f"""
import sys
from pathlib import Path
from agent.keys import Keys
from sandboxes.choose import choose
from sandboxes.job import Job, Limits, Runtime
import os
assert len(Keys(os.environ).secrets()) >= 2
folder, file = Path(sys.argv[1]), sys.argv[2]
limits = Limits(wall_seconds=20, cpu_seconds=10, memory_bytes=256 << 20, work_bytes=1 << 20, output_bytes=1 << 20,
                processes=8)
job = Job(argv=("python", "-c", {JOB!r}, file, str(Path.home())), runtime=Runtime.python, limits=limits,
          outputs=folder / "out", logs=folder / "logs")
choose().run(job)
"""


def test_no_key_reaches_a_sandboxed_job(tmp_path: Path) -> None:
    file = filed(tmp_path, f'HF_TOKEN = "{OTHER}"\n')
    environ = {**os.environ, "OPENAI_API_KEY": KEY, "RATCHET_KEYS": str(file)}
    subprocess.run([sys.executable, "-c", HOST, str(tmp_path), str(file)], env=environ, check=True, timeout=60)
    seen = (tmp_path / "logs" / "stdout.txt").read_text()
    assert "looked everywhere" in seen
    assert "'PATH'" in seen
    assert f"{file} No such file" in seen
    assert KEY not in seen
    assert OTHER not in seen
    assert "OPENAI_API_KEY" not in seen


Serve = Callable[[Callable[[Asked], Scene]], LLMServer]


def campaign_by(server: LLMServer, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a campaign with a language model that is sent the key."""
    toy = scaffold.new("toy", tmp_path / "templates")
    return ratchet_with(
        server, tmp_path, "run", str(toy), "--scale", "smoke", "--price", "0,0", "--offline", "--no-wait"
    )


def ratchet_with(server: LLMServer, tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    settings = tmp_path / "llms.toml"
    settings.write_text(f'["openai/tiny"]\nbase_url = "{server.v1}"\nkey = "OPENAI_API_KEY"\n')
    return subprocess.run(
        [Path(sys.executable).parent / "ratchet", *words, "--llm", "openai/tiny", "--llms", str(settings)],
        cwd=tmp_path,
        env={**os.environ, "OPENAI_API_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def files_with(secret: str, folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_a_language_model_that_says_the_key_gets_it_into_no_file_and_on_no_screen(serve: Serve, tmp_path: Path) -> None:
    def indiscreet(asked: Asked) -> Scene:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        hidden = base64.b64encode(f"user:{KEY}".encode()).decode()
        return Scene(text=f'ready {{"key": "{KEY}", "masked": "{KEY[:8]}...{KEY[-4:]}", "encoded": "{hidden}"}}')

    server = serve(indiscreet)
    done = campaign_by(server, tmp_path)
    assert done.returncode in {6, 7}, done.stdout + done.stderr
    assert len(server.asked) > 1
    calls = "".join(path.read_text() for path in tmp_path.glob("campaigns/*/calls/*.json"))
    assert "ready" in calls
    assert "[redacted]" in calls
    for secret in (KEY, KEY[:12], KEY[-12:], f"{KEY[:8]}...", base64.b64encode(KEY[2:17].encode()).decode()):
        assert secret not in done.stdout + done.stderr
        assert files_with(secret, tmp_path / "campaigns") == []


@pytest.mark.parametrize("status", [400, 401, 429])
def test_an_error_that_repeats_the_key_is_shown_without_it(serve: Serve, tmp_path: Path, status: int) -> None:
    said = f"Incorrect API key provided: {KEY} ({KEY[:14]}***)."
    server = serve(lambda _: Scene(status=status, error=said, headers={"Retry-After": "36000"}))
    done = campaign_by(server, tmp_path)
    assert done.returncode in {3, 7}, done.stderr
    assert "Incorrect API key provided" in done.stderr
    assert KEY[:12] not in done.stdout + done.stderr
    assert files_with(KEY[:12], tmp_path / "campaigns") == []


def test_a_bug_shows_no_key_in_its_traceback(tmp_path: Path) -> None:
    program = (
        f"import agent.cli, agent.commands\nagent.commands.doctor = lambda *_, **__: [][{KEY!r}]\nagent.cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "doctor"],
        cwd=tmp_path,
        env={**os.environ, "OPENAI_API_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert KEY not in done.stderr


def test_the_doctor_shows_no_key(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda _: Scene(status=401, error=f"Incorrect API key provided: {KEY[:14]}***."))
    for words in ([], ["--json"]):
        done = ratchet_with(server, tmp_path, "doctor", *words)
        assert done.returncode == 3, done.stderr
        assert "Incorrect API key provided" in " ".join(done.stdout.split())
        assert KEY[:12] not in done.stdout + done.stderr
