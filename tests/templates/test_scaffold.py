from __future__ import annotations

from pathlib import Path

import pytest

from templates import scaffold, template
from templates.scaffold import ScaffoldError


def test_a_new_template_loads_under_its_name(tmp_path: Path) -> None:
    folder = scaffold.new("warm_starts", tmp_path / "mine")
    assert folder == tmp_path / "mine" / "warm_starts"
    loaded = template.load(folder)
    assert (loaded.name, loaded.title) == ("warm_starts", "Warm starts")
    assert not any("{{" in path.read_text() for path in folder.iterdir())
    assert [path for path in folder.parent.iterdir() if path != folder] == []


def test_its_readme_has_the_headings_that_a_paper_is_written_from(folder: Path) -> None:
    headings = [line for line in (folder / "README.md").read_text().splitlines() if line.startswith("## ")]
    assert headings == ["## Background", "## The method", "## What may change"]


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "README.md").write_text("mine")
    with pytest.raises(ScaffoldError, match="is there already, and nothing is overwritten"):
        scaffold.new(folder.name, folder.parent)
    assert (folder / "README.md").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "Step", "step-sizes", "2nd", "_new", "../step", "a/b", "lambda", "schritt_größe"])
def test_a_bad_name_is_refused_with_a_good_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScaffoldError, match="for example step_sizes"):
        scaffold.new(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()
