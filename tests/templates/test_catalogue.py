from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from templates import catalogue, scaffold
from templates.catalogue import UnknownTemplateError
from templates.template import TemplateError


def test_the_scaffold_is_no_template_of_its_own() -> None:
    assert not any(name.startswith("_") for name in catalogue.names())


def test_a_template_below_the_users_own_folder_is_found_by_name(tmp_path: Path) -> None:
    scaffold.new("step_sizes", tmp_path / "templates")
    assert "step_sizes" in catalogue.names(tmp_path)
    assert catalogue.find("step_sizes", tmp_path).folder == tmp_path / "templates" / "step_sizes"


def test_a_template_is_found_by_its_path(folder: Path, tmp_path: Path) -> None:
    assert catalogue.find(str(folder), tmp_path / "home").folder == folder


def test_an_unknown_name_is_answered_with_the_known_ones_and_the_closest(tmp_path: Path) -> None:
    scaffold.new("step_sizes", tmp_path / "templates")
    scaffold.new("warm_starts", tmp_path / "templates")
    with pytest.raises(UnknownTemplateError) as caught:
        catalogue.find("stepsize", tmp_path)
    assert "There is no template 'stepsize'." in str(caught.value)
    assert "step_sizes, warm_starts" in str(caught.value)
    assert "Did you mean 'step_sizes'?" in str(caught.value)


def test_a_broken_template_is_told_from_an_unknown_one(tmp_path: Path) -> None:
    (scaffold.new("step_sizes", tmp_path / "templates") / "harness.py").unlink()
    with pytest.raises(TemplateError, match=r"names 'harness\.py'"):
        catalogue.find("step_sizes", tmp_path)


def test_an_installed_package_can_bring_a_template_and_is_not_imported(tmp_path: Path) -> None:
    package = tmp_path / "site" / "plugin"
    scaffold.new("step_sizes", package)
    (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    (package / "step_sizes" / "__init__.py").write_text("raise SystemExit('imported')\n")
    distribution = tmp_path / "site" / "plugin-1.0.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (distribution / "entry_points.txt").write_text("[ratchet.templates]\nstep_sizes = plugin.step_sizes\n")
    program = (
        "import sys; from pathlib import Path; from templates import catalogue;"
        f"sys.path.append({str(tmp_path / 'site')!r});"
        "print(catalogue.find('step_sizes', Path('/nowhere')).folder)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert Path(printed.strip()) == package / "step_sizes"
