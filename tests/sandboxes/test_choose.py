from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandboxes.bubblewrap import Bubblewrap
from sandboxes.choose import choose
from sandboxes.probe import probe
from sandboxes.process import Process


def test_bubblewrap_is_the_default() -> None:
    assert isinstance(choose(), Bubblewrap)
    assert isinstance(choose(allow_unsafe_host=True), Bubblewrap)


def test_plain_processes_need_consent_even_when_configured() -> None:
    with pytest.raises(ValueError, match="--allow-unsafe-host"):
        choose("process")
    assert isinstance(choose("process", allow_unsafe_host=True), Process)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="bubblewrap, process"):
        choose("docker")


def without_bubblewrap(expression: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = f"from sandboxes.choose import choose\nfrom sandboxes.probe import probe\nprint({expression})"
    return subprocess.run(
        [sys.executable, "-c", program], env={"PATH": str(folder)}, capture_output=True, text=True, check=False
    )


def test_without_bubblewrap_the_remedy_is_an_exact_command(tmp_path: Path) -> None:
    run = without_bubblewrap("choose()", tmp_path)
    assert run.returncode == 1
    assert "sudo apt-get install bubblewrap" in run.stderr


def test_without_bubblewrap_consent_allows_plain_processes(tmp_path: Path) -> None:
    assert "Process" in without_bubblewrap("choose(allow_unsafe_host=True)", tmp_path).stdout


def test_a_probe_without_bubblewrap_fails_with_the_remedy(tmp_path: Path) -> None:
    run = without_bubblewrap("[(p.name, p.ok, p.detail) for p in probe()]", tmp_path)
    assert run.stdout.startswith("[('bubblewrap', False, 'Bubblewrap is not installed")


def test_a_probe_tries_what_matters_and_all_of_it_holds() -> None:
    probes = probe()
    assert len(probes) == 12
    assert [p.name for p in probes if not p.ok] == []
