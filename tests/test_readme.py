from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_readme_shows_the_help_and_the_templates_that_there_are() -> None:
    made = subprocess.run([sys.executable, ROOT / "scripts" / "readme"], capture_output=True, text=True, check=True)
    assert (ROOT / "README.md").read_text() == made.stdout, "Run `make readme`."
