"""A campaign that one language model begins and another goes on with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from author import Author
from author_ideas import IdeasAuthor
from author_prose import ProseAuthor
from llm_server import Asked, LLMServer, Scene

from agent.campaign import Campaign
from templates import scaffold

pytestmark = pytest.mark.slow

RATCHET = Path(sys.executable).parent / "ratchet"
REVOKED = Scene(status=401, error="Incorrect API key provided.", code="invalid_api_key")


def ratchet(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(home)}
    return subprocess.run(
        [RATCHET, *words], cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_paper_names_both_and_the_campaign_replays_from_the_answers_of_both(tmp_path: Path) -> None:
    """The first one's key is revoked once the code is written."""
    author = Author(IdeasAuthor(), ProseAuthor())

    def answer(asked: Asked) -> Scene:
        return REVOKED if asked.model == "first" and "Before the paper is written" in asked.last else author(asked)

    with LLMServer(answer) as server:
        place = ("--base-url", server.v1, "--price", "1,4")
        begun = ("run", str(scaffold.new("toy", tmp_path)), "--name", "story", "--scale", "smoke", "--offline")
        stopped = ratchet(tmp_path, *begun, "--llm", "openai/first", *place)
        done = ratchet(tmp_path, "resume", "story", "--llm", "openai/second", *place)
    assert stopped.returncode == 7, stopped.stderr
    assert done.returncode == 0, done.stderr
    (study,) = Campaign(tmp_path / "campaigns" / "story").studies()
    told = json.loads(study.draft(1).study.read_text())["provenance"]["researchers"]
    assert told == {
        "ideas": "openai/first",
        "code": "openai/first",
        "writing": "openai/second",
        "review": "openai/second",
    }
    replayed = ratchet(tmp_path, "replay", "story")
    assert replayed.returncode == 0, replayed.stdout
