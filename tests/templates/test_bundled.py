from __future__ import annotations

from pathlib import Path

import pytest

from templates import catalogue, check


@pytest.mark.parametrize("name", catalogue.names())
def test_every_template_that_ships_has_a_baseline_measured_on_it_as_it_is(name: str) -> None:
    template = catalogue.find(name, Path("/nowhere"))
    assert len(check.recorded(template)) >= 5
    assert check.baseline_stands(template).ok, check.baseline_stands(template).what
