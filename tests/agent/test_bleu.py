from __future__ import annotations

import string
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nltk.translate.bleu_score import sentence_bleu

from agent.llms.bleu import bleu, fidelity

texts = st.text(string.ascii_lowercase[:6] + " é\n{", max_size=80)
words = st.text(string.ascii_lowercase, min_size=2, max_size=6)


def independent(reference: str, hypothesis: str) -> float:
    """Have the natural language toolkit say it; it warns where a precision is zero."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(sentence_bleu([list(reference)], list(hypothesis)))


@given(reference=texts, hypothesis=texts)
def test_bleu_is_what_an_independent_program_says(reference: str, hypothesis: str) -> None:
    assert bleu(reference, hypothesis) == pytest.approx(independent(reference, hypothesis), abs=1e-9)


@given(text=texts, place=st.integers(0, 80), other=st.sampled_from("xyz"))
def test_bleu_of_a_changed_text_is_what_an_independent_program_says(text: str, place: int, other: str) -> None:
    changed = text[:place] + other + text[place + 1 :]
    assert bleu(text, changed) == pytest.approx(independent(text, changed), abs=1e-9)
    assert bleu(text, text[:place]) == pytest.approx(independent(text, text[:place]), abs=1e-9)


@given(text=texts, times=st.integers(2, 4))
@example(text="abcde", times=3)
def test_saying_a_text_several_times_is_worth_what_an_independent_program_says(text: str, times: int) -> None:
    assert bleu(text, text * times) == pytest.approx(independent(text, text * times), abs=1e-9)


@given(texts)
def test_a_text_of_four_characters_or_more_is_like_itself(text: str) -> None:
    assert bleu(text, text) == pytest.approx(1.0 if len(text) >= 4 else 0.0)


@given(reference=texts, hypothesis=texts)
def test_bleu_and_fidelity_lie_between_nothing_and_all(reference: str, hypothesis: str) -> None:
    assert 0 <= bleu(reference, hypothesis) <= 1 + 1e-12
    assert 0 <= fidelity(reference, hypothesis) <= 1 + 1e-12


def test_a_published_example_by_hand() -> None:
    # 5 of 6 characters, 4 of 5, 3 of 4 and 2 of 3 n-grams are there; the lengths are equal.
    assert bleu("abcdef", "abcdez") == pytest.approx((5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25)


@given(st.lists(words, min_size=1, max_size=100), st.integers(1, 100))
def test_a_faithful_repeat_is_faithful_as_far_as_it_goes(said: list[str], length: int) -> None:
    assert fidelity(" ".join(said), "\n".join(said[:length])) == pytest.approx(1.0)


@given(st.lists(words, min_size=1, max_size=90), st.integers(2, 300))
def test_a_repeat_that_was_cut_in_a_word_is_compared_up_to_there(said: list[str], length: int) -> None:
    text = " ".join(said)
    assert fidelity(text, text[:length], cut_off=True) == pytest.approx(1.0)


def test_what_comes_after_sixty_words_is_not_compared() -> None:
    same = " ".join(f"word{number}" for number in range(60))
    assert fidelity(f"{same} and so on", f"{same} quite another end") == 1.0
    assert fidelity(f"and {same}", f"or {same}") < 1.0


def test_short_texts_are_faithful_only_when_equal() -> None:
    assert fidelity("no", "no") == 1.0
    assert fidelity("no", "yes") == 0.0
    assert fidelity("", "") == 0.0


def test_another_text_is_far_from_faithful() -> None:
    said = "The step size falls linearly to zero, and the loss falls with it."
    assert fidelity(said, "I am sorry, but I cannot repeat this text.") < 0.4
