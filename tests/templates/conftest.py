"""The template that these tests study: the scaffold, as anybody would start with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandboxes.bubblewrap import Bubblewrap
from templates import scaffold, template
from templates.template import Template


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return scaffold.new("step_sizes", tmp_path)


@pytest.fixture
def descent(folder: Path) -> Template:
    return template.load(folder)


@pytest.fixture(scope="session")
def sandbox() -> Bubblewrap:
    return Bubblewrap()
