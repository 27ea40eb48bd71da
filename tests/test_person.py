"""A person in the loop, and a replay, through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from templates import scaffold

RATCHET = Path(sys.executable).parent / "ratchet"


def ratchet(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [RATCHET, *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def run_toy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    toy = scaffold.new("toy", folder)
    return ratchet(folder, "run", str(toy), "--name", "story", "--scale", "smoke", *words)


@pytest.mark.slow
def test_a_campaign_waits_with_exit_7_and_goes_on_at_each_word(tmp_path: Path) -> None:
    asked = run_toy(tmp_path, "--approve", "ideas,paper")
    assert asked.returncode == 7
    assert "waits for your approval of its idea" in asked.stderr
    for command in ("approve", "reject", "edit"):
        assert f"ratchet {command} story" in asked.stderr
    assert "waiting for approval of the idea" in ratchet(tmp_path, "list").stdout
    assert "waiting for approval of the idea" in ratchet(tmp_path, "show", "story").stdout
    assert ratchet(tmp_path, "resume", "story").returncode == 7
    printed = ratchet(tmp_path, "approve", "story")
    assert printed.returncode == 7
    assert "paper.pdf" in printed.stderr
    done = ratchet(tmp_path, "approve", "story")
    assert done.returncode == 0, done.stderr
    assert "by a person idea approved" in ratchet(tmp_path, "show", "story", "1").stdout
    assert ratchet(tmp_path, "replay", "story").returncode == 0


@pytest.mark.slow
def test_a_paper_that_is_rejected_to_the_end_is_withheld_and_show_says_why(tmp_path: Path) -> None:
    assert run_toy(tmp_path, "--approve", "paper").returncode == 7
    codes = [ratchet(tmp_path, "reject", "story", "--because", "It says nothing new.").returncode for _ in range(3)]
    assert codes[-1] == 2, "nothing waits any more"
    assert 6 in codes
    shown = ratchet(tmp_path, "show", "story", "1").stdout
    assert "paper rejected: It says nothing new." in shown
    assert "not printed" in shown


def test_a_rejected_idea_leaves_the_campaign_without_a_paper(tmp_path: Path) -> None:
    assert run_toy(tmp_path, "--approve", "ideas").returncode == 7
    assert ratchet(tmp_path, "reject", "story", "--because", "Done before.").returncode == 6
    assert "A person rejected the idea: Done before." in ratchet(tmp_path, "show", "story", "1").stdout


def test_a_word_at_the_wrong_moment_is_a_usage_error(tmp_path: Path) -> None:
    assert run_toy(tmp_path, "--approve", "ideas").returncode == 7
    assert ratchet(tmp_path, "reject", "story").returncode == 6
    for words in (("approve",), ("reject",), ("edit", "--with", "idea.json")):
        said = ratchet(tmp_path, words[0], "story", *words[1:])
        assert (said.returncode, said.stdout) == (2, "")
        assert "Nothing in 'story' waits for your word" in said.stderr
    assert ratchet(tmp_path, "approve", "another").returncode == 2


def test_an_edit_that_cannot_stand_is_refused_and_the_copy_is_kept(tmp_path: Path) -> None:
    assert run_toy(tmp_path, "--approve", "ideas").returncode == 7
    said = ratchet(tmp_path, "edit", "story", EDITOR='sed -i \'s/"slug": "/"slug": "my-/\'', VISUAL="")
    assert said.returncode == 2
    assert "slug: names the study" in said.stderr
    (copy,) = (tmp_path / "campaigns" / "story" / "edits").glob("*/idea.json")
    assert '"my-' in copy.read_text()
    assert "waiting for approval" in ratchet(tmp_path, "list").stdout


@pytest.mark.slow
def test_a_replay_that_differs_ends_with_6_and_names_the_file(tmp_path: Path) -> None:
    assert run_toy(tmp_path).returncode == 0
    same = ratchet(tmp_path, "replay", "story", "--again", "--into", "same")
    assert same.returncode == 0, same.stdout
    assert "files equal, of 1 study" in same.stdout
    tex = next((tmp_path / "campaigns" / "story" / "studies").glob("*/paper/paper.tex"))
    tex.write_text(tex.read_text() + "% added\n")
    other = ratchet(tmp_path, "replay", "story", "--json")
    assert other.returncode == 6
    told = json.loads(other.stdout.splitlines()[-1])
    assert (told["event"], told["studies"]) == ("replayed", 1)
    assert any(each["file"].endswith("paper/paper.tex") for each in told["differences"])


def test_a_replay_of_nothing_is_a_usage_error(tmp_path: Path) -> None:
    assert run_toy(tmp_path, "--approve", "ideas").returncode == 7
    said = ratchet(tmp_path, "replay", "story")
    assert said.returncode == 2
    assert "No study of 'story' is finished" in said.stderr


def test_nothing_in_a_campaign_that_a_terminal_would_obey_is_shown(tmp_path: Path) -> None:
    assert run_toy(tmp_path, "--approve", "ideas").returncode == 7
    idea = next((tmp_path / "campaigns" / "story" / "studies").glob("*/idea.json"))
    idea.write_text(json.dumps(json.loads(idea.read_text()) | {"title": "Red \x1b[31m \x9b or \x07 not"}))
    for words in (("show", "story"), ("show", "story", "1")):
        said = ratchet(tmp_path, *words).stdout
        assert "Red" in said
        assert not [each for each in said if not (each.isprintable() or each == "\n")]
