from __future__ import annotations

from agent.budget import UNITS, Budget, Caps, Spend


def test_a_cap_is_reached_when_all_of_it_is_used() -> None:
    assert Budget(wall_seconds=10).reached(Spend(wall_seconds=9.9)) is None
    assert Budget(wall_seconds=10).reached(Spend(wall_seconds=10)) == "10 of 10 wall seconds used"


def test_a_budget_of_nothing_allows_what_costs_nothing() -> None:
    assert Budget(usd=0).reached(Spend(usd=0.0, wall_seconds=100)) is None
    assert Budget(usd=0).reached(Spend(usd=0.01)) is not None


def test_spends_add_up() -> None:
    assert Spend(usd=1, wall_seconds=2) + Spend(usd=0.5, trial_seconds=3) == Spend(
        usd=1.5, wall_seconds=2, trial_seconds=3
    )


def test_every_cap_says_which_option_raises_it() -> None:
    for name in UNITS:
        much = Spend(**{name: 2})
        whole = Caps(campaign=Budget(**{name: 1})).beyond(much, Spend())
        study = Caps(study=Budget(**{name: 1})).beyond(Spend(), much)
        assert whole is not None
        assert study is not None
        assert (whole.by_study, study.by_study) == (False, True)
        assert whole.used == f"the campaign would have used 2 of 1 {UNITS[name]}"
        assert study.used == f"this study would have used 2 of 1 {UNITS[name]}"
        assert study.option == whole.option.replace("--max", "--study-max")


def test_a_cap_that_is_just_reached_holds() -> None:
    assert Caps(campaign=Budget(tokens=10), study=Budget(tokens=10)).beyond(Spend(tokens=10), Spend(tokens=10)) is None
