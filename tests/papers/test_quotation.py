from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.facts import Fact
from papers.marks import Citation, Number, Plain, Reference, flat
from papers.numerals import claims, spell
from papers.quotation import quote, spelling

PIECES = (
    "[[",
    "]]",
    "[@",
    "[#",
    "[",
    "]",
    "(",
    ")",
    "$",
    "`",
    "*",
    "**",
    "a",
    "b.c",
    "1.5",
    "-7",
    " ",
    ";",
    ":",
    "\\",
    "{",
    "}",
)
OUTSIDE = st.lists(st.sampled_from(PIECES), max_size=16).map("".join)


@pytest.mark.parametrize(
    ("written", "marked"),
    [
        ("within 0.53 bits", "within [[q.1:.2f]] bits"),
        ("a GPT-2 prompt of 1,000 tokens", "a GPT-[[q.1:.0f]] prompt of [[q.2:,.0f]] tokens"),
        ("falls by -0.5 to 3e-4", "falls by [[q.1:.1f]] to [[q.2:.0e]]"),
        ("seed 007", "seed `007`"),
        ("an H100, sha256 and version 1.2.3", "an H100, sha256 and version 1.2.3"),
        ("3-5 of (1,2) on 8x8", "[[q.1:.0f]] to [[q.2:.0f]] of ([[q.3:.0f]], [[q.4:.0f]]) on [[q.5:.0f]]×[[q.6:.0f]]"),
        ("a gain of +5 and v.7", "a gain of [[q.1:+.0f]] and v.`7`"),
        ("a hundred runs on 2024-05-01", "a `hundred` runs on `2024-05-01`"),
        ("Sixteen bits, forty-two runs", "[[q.1:.0f]] bits, [[q.2:.0f]] runs"),
        ("**bold** and *slanted 8*", "*bold* and *slanted [[q.1:.0f]]*"),
        ("see [the page](https://example.org/9)", "see the page"),
        ("as shown [@known; @unknown].", "as shown [@known]."),
        ("as shown [@unknown].", "as shown."),
        ("code `x = 3` and $x_3$", "code `x = 3` and $x_3$"),
        ("costs $5 or `", "costs USD [[q.1:.0f]] or '"),
        ("[[fake]] [#fig] [@no one]", "[ [fake]] [ #fig]"),
    ],
)
def test_outside_text_keeps_its_sense_and_loses_foreign_marks(written: str, marked: str) -> None:
    assert quote("q", written, frozenset({"known"})).text == marked


def test_numbers_inside_mathematics_are_declared_and_left_as_written() -> None:
    quotation = quote("q", "greedy is within $\\log_2(e)/e \\approx 0.53$ bits")
    assert quotation.text.endswith("\\approx 0.53$ bits")
    assert 0.53 in [constant.value for constant in quotation.constants]


def test_powers_of_ten_in_mathematics_are_declared_whole() -> None:
    quotation = quote("q", "a tolerance of $2 \\times 10^{-9}$ and $10^{-6}$")
    assert {2e-9, 1e-6} <= {constant.value for constant in quotation.constants}


def test_a_constant_remembers_its_sentence() -> None:
    quotation = quote("q", "First 1. Then 0.7 follows, said A. Last 3.")
    assert [constant.sentence for constant in quotation.constants][1] == "Then 0.7 follows, said A."


@given(st.floats(min_value=-1e6, max_value=1e6), st.integers(0, 6))
def test_a_number_is_printed_as_it_was_written(value: float, places: int) -> None:
    written = f"{value:.{places}f}"
    quotation = quote("q", f"the value {written} was given")
    constants = {constant.key: constant.value for constant in quotation.constants}
    known = {key: Fact(value=number, unit="", source="q", kind="declared") for key, number in constants.items()}
    shown = "".join(
        spell(span.key, span.form, known) if isinstance(span, Number) else getattr(span, "text", "")
        for span in flat(quotation.text)
    )
    assert shown.replace("−", "-") == f"the value {written} was given"


@given(OUTSIDE)
def test_no_text_smuggles_a_mark(text: str) -> None:
    quotation = quote("q", text)
    spans = list(flat(quotation.text))
    own = {constant.key for constant in quotation.constants}
    assert not [span for span in spans if isinstance(span, Citation | Reference)]
    assert {span.key for span in spans if isinstance(span, Number)} <= own
    assert not [span for span in spans if isinstance(span, Plain) and list(claims(span.text))]


@given(OUTSIDE, OUTSIDE)
def test_marks_of_the_surrounding_prose_survive_a_quotation(one: str, other: str) -> None:
    around = f"{quote('q', one).text} a $H$ b `c` [[fact]] {quote('r', other).text}"
    kinds = [type(span).__name__ for span in flat(around)]
    inner = [span for span in flat(around) if isinstance(span, Number) and span.key == "fact"]
    assert len(inner) == 1
    assert kinds.count("Mathematics") >= 1


def test_a_format_exists_only_for_what_it_can_spell() -> None:
    assert spelling("12.50") == ".2f"
    assert spelling("1,234.5") == ",.1f"
    assert spelling("007") is None
    assert spelling("123456789012345678901234567890") is None
