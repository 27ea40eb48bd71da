from __future__ import annotations

from pathlib import Path

import pytest

from templates import scaffold, template
from templates.template import Template


@pytest.fixture
def toy(tmp_path: Path) -> Template:
    """The template that `ratchet template new` makes."""
    return template.load(scaffold.new("toy", tmp_path / "templates"))
