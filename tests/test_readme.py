from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

RATCHET = Path(sys.executable).parent / "ratchet"
README = Path(__file__).parents[1] / "README.md"


def between(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", README.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def printed(*words: str) -> str:
    return subprocess.run([RATCHET, *words], capture_output=True, text=True, check=True).stdout


def test_the_readme_shows_the_help_that_the_command_prints() -> None:
    assert between("help") == f"```\n{printed('--help').strip()}\n```\n"


def test_the_readme_lists_the_templates_that_there_are() -> None:
    rows = [json.loads(line) for line in printed("template", "list", "--json").splitlines()]
    table = "".join(f"| `{row['name']}` | {row['title']} | {row['metric']} |\n" for row in rows)
    assert between("templates") == f"| template | what it studies | metric |\n|---|---|---|\n{table}"
