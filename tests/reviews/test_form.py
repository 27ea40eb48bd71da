from pathlib import Path

import pytest

from reviews import form
from reviews.review import Review

BROKEN = """
venue = "Nowhere"
parts = ["summary", "astrology"]
accept = 9
taste = "good"

[[dimensions]]
key = "soundness"
question = "Is it sound?"
aspects = ["vibes"]
[dimensions.anchors]
1 = "no"

[overall]
key = "overall"
question = "All in all?"
[overall.anchors]
1 = "no"
2 = "yes"

[confidence]
key = "confidence"
question = "Sure?"
[confidence.anchors]
1 = ""
2 = "yes"
"""


def filled(name: str, scores: dict[str, int]) -> Review:
    return Review(
        form=name,
        reviewer="a person",
        stance="plain",
        summary="It is a paper.",
        strengths=(),
        weaknesses=(),
        questions=(),
        limitations="",
        scores=scores,
        decision="reject",
    )


SCORES = {"soundness": 3, "presentation": 3, "contribution": 2, "overall": 5, "confidence": 3}


@pytest.mark.parametrize("name", form.names())
def test_every_bundled_form_loads_and_decides_on_its_own_scale(name: str) -> None:
    loaded = form.load(name)
    assert loaded.decide(loaded.overall.high) == "accept"
    assert loaded.decide(loaded.overall.low) == "reject"
    assert {aspect for scale in loaded.dimensions for aspect in scale.aspects} == {
        "soundness",
        "clarity",
        "significance",
        "originality",
    }


def test_the_default_form_is_that_of_2024() -> None:
    loaded = form.load()
    assert [scale.key for scale in loaded.dimensions] == ["soundness", "presentation", "contribution"]
    assert [(scale.low, scale.high) for scale in loaded.scales] == [(1, 4), (1, 4), (1, 4), (1, 10), (1, 5)]


def test_the_form_of_2025_has_four_dimensions_and_six_overall_scores() -> None:
    loaded = form.load("neurips2025")
    assert [scale.key for scale in loaded.dimensions] == ["quality", "clarity", "significance", "originality"]
    assert (loaded.overall.high, loaded.accept) == (6, 4)


def test_a_level_becomes_the_nearest_score_even_where_the_scale_has_gaps() -> None:
    scale = form.Scale(key="overall", question="?", anchors={0: "a", 2: "b", 4: "c", 6: "d"})
    assert [scale.at(level) for level in (0, 0.3, 0.7, 1)] == [0, 2, 4, 6]


def test_an_unknown_form_is_answered_with_the_known_ones() -> None:
    with pytest.raises(form.FormError, match=r"icml1999.*neurips2024, neurips2025"):
        form.load("icml1999")


def test_a_broken_form_lists_all_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.toml"
    path.write_text(BROKEN)
    with pytest.raises(form.FormError) as raised:
        form.read(path)
    lines = str(raised.value).splitlines()
    places = ("title", "parts.1", "accept", "taste", "dimensions.0.anchors", "dimensions.0.aspects", "confidence")
    for place in places:
        assert any(line.startswith(f"nowhere.toml: {place}") for line in lines), place


def test_two_dimensions_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "twins.toml"
    text = (form.FORMS / "neurips2024.toml").read_text().replace('key = "presentation"', 'key = "soundness"')
    path.write_text(text)
    with pytest.raises(form.FormError, match="'soundness' is used twice"):
        form.read(path)


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text("venue = ")
    with pytest.raises(form.FormError, match=r"odd\.toml: not TOML"):
        form.read(path)


def test_a_review_on_the_scales_fits() -> None:
    assert form.fit(form.load(), filled("neurips2024", SCORES)) == ()


@pytest.mark.parametrize(
    ("scores", "fault"),
    [
        ({key: value for key, value in SCORES.items() if key != "soundness"}, "it gives no score for soundness"),
        (SCORES | {"overall": 11}, "it scores overall 11, off the scale 1 to 10"),
        (SCORES | {"charm": 3}, "it scores charm, which the form does not ask"),
    ],
)
def test_a_misfit_is_said_in_words(scores: dict[str, int], fault: str) -> None:
    assert form.fit(form.load(), filled("neurips2024", scores)) == (fault,)


def test_a_review_of_another_form_does_not_fit() -> None:
    faults = form.fit(form.load(), filled("neurips2025", SCORES))
    assert faults == ("it fills the form 'neurips2025', not 'neurips2024'",)
