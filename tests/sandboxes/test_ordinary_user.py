from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import CHECKOUT


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="this whole run is one of an ordinary user already")
@pytest.mark.parametrize(
    ("suite", "names"), [("test_bubblewrap.py", "test"), ("test_conformance.py", "test_bubblewrap_contains")]
)
def test_an_ordinary_user_is_protected_as_well(as_ordinary_user: list[str], suite: str, names: str) -> None:
    tests = Path(__file__).with_name(suite)
    run = subprocess.run(
        [*as_ordinary_user, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests), "-k", names],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr
    assert " passed" in run.stdout
