from __future__ import annotations

from agent.budget import Budget, Spend


def test_a_cap_is_reached_when_all_of_it_is_used() -> None:
    assert Budget(wall_seconds=10).reached(Spend(wall_seconds=9.9)) is None
    assert Budget(wall_seconds=10).reached(Spend(wall_seconds=10)) == "10.0 of 10 wall seconds used"


def test_a_budget_of_nothing_allows_what_costs_nothing() -> None:
    assert Budget(usd=0).reached(Spend(usd=0.0, wall_seconds=100)) is None
    assert Budget(usd=0).reached(Spend(usd=0.01)) is not None


def test_spends_add_up() -> None:
    assert Spend(usd=1, wall_seconds=2) + Spend(usd=0.5, trial_seconds=3) == Spend(
        usd=1.5, wall_seconds=2, trial_seconds=3
    )
