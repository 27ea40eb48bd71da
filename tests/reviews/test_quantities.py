import pytest

from reviews import quantities


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("the difference was −0.26 bits (95 % interval −0.31 to −0.21)", -0.31, -0.21),
        ("a gain of 0.4 (95 % CI [0.1, 0.7])", 0.1, 0.7),
        ("a gain of 0.40 [0.10, 0.70]", 0.1, 0.7),
        ("accuracy of 91.2 ± 0.3", 90.9, 91.5),
        ("an interval from −2.6 × 10⁻⁴ to 1.0 × 10⁻⁵", -2.6e-4, 1e-5),
    ],
)
def test_an_interval_is_read_however_it_is_printed(text: str, low: float, high: float) -> None:
    found = quantities.interval(text)
    assert found is not None
    assert (found.low.value, found.high.value) == pytest.approx((low, high))


@pytest.mark.parametrize(
    "text", ["see [1, 2] for more", "the years 1998 to 2004", "a 95 % interval", "from [0.7, 0.1]"]
)
def test_what_is_no_interval_is_not_read_as_one(text: str) -> None:
    assert quantities.interval(text) is None


def test_the_estimate_is_the_number_inside_the_interval() -> None:
    text = "On n = 10 seeds it fell from 1.25 to 0.99, by −0.26 (95 % interval −0.31 to −0.21, p = 0.002)."
    found = quantities.estimate(text)
    assert found is not None
    assert found.text == "−0.26"


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("over n = 10 pairs", (10,)),
        ("on 8 fresh paired seeds", (8,)),
        ("in three runs and with a single seed", (3, 1)),
        ("a run of bad luck", ()),
        ("seeds 1000 to 1009", ()),
    ],
)
def test_seeds_are_counted_where_they_are_counted(text: str, counts: tuple[int, ...]) -> None:
    assert quantities.seeds(text) == counts


@pytest.mark.parametrize(
    ("text", "p"),
    [("p = 0.014 after Holm", "0.014"), ("with p < 0.001", "0.001"), ("a p-value of 0.2", "0.2"), ("top 5", None)],
)
def test_a_p_is_read_as_printed(text: str, p: str | None) -> None:
    found = quantities.p_value(text)
    assert (found.text if found else None) == p


def test_the_smallest_effect_is_read_from_either_wording() -> None:
    for text in ("the smallest effect of interest was 0.05 bits", "predicted to be lower by at least 0.05 bits"):
        found = quantities.smallest_effect(text)
        assert found is not None
        assert found.value == 0.05


def test_rounding_is_half_of_the_last_digit_printed() -> None:
    assert quantities.quantity("1.25").rounding == pytest.approx(0.005)
    assert quantities.quantity("−2.6 × 10⁻⁴").rounding == pytest.approx(5e-6)
