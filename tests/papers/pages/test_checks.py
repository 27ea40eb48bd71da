"""Each gate stops the paper that it is for, and lets the good one pass."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from papers.checks import check, stops
from papers.claims import formula_claims
from papers.facts import Fact
from papers.numerals import Claim, claims, states
from papers.paper import Equation, Figure, Items, Paper, Paragraph, Section, Table
from papers.problem import Problem
from papers.study import FigureFile

Facts = dict[str, Fact]
Check = Callable[..., tuple[Problem, ...]]


@pytest.fixture(scope="session")
def checked(facts: Facts, figures: tuple[FigureFile, ...], bibliography: str) -> Check:
    def run(paper: Paper, better: str = "lower", **other: object) -> tuple[Problem, ...]:
        known = {"facts": facts, "figures": figures, "bibliography": bibliography} | other
        return check(paper, better=better, **known)

    return run


def saying(paper: Paper, text: str) -> Paper:
    """Give the paper with one more paragraph."""
    return with_block(paper, Paragraph(text=text))


def with_block(paper: Paper, block: object) -> Paper:
    last = paper.sections[3]
    longer = last.model_copy(update={"blocks": (*last.blocks, block)})
    return paper.model_copy(update={"sections": (*paper.sections[:3], longer, *paper.sections[4:])})


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


def test_the_good_paper_has_no_problem(paper: Paper, checked: Check) -> None:
    assert checked(paper) == ()


def test_a_fact_that_the_study_lacks_is_named_with_the_nearest_keys(paper: Paper, checked: Check) -> None:
    problem = only(checked(saying(paper, "It was [[confirm.diference]] bits.")))
    assert "[[confirm.diference]] is no fact" in problem.what
    assert "confirm.difference" in problem.remedy


def test_an_invented_number_is_quoted_with_its_sentence_and_the_nearest_facts(paper: Paper, checked: Check) -> None:
    problem = only(checked(saying(paper, "All is well. The variant reached 2.29 bits. So be it.")))
    assert "The variant reached 2.29 bits." in problem.where
    assert "All is well" not in problem.where
    assert "2.29" in problem.what
    assert "[[confirm.variant]]" in problem.remedy or "[[confirm.seed" in problem.remedy


@pytest.mark.parametrize(
    "text",
    [
        "The variant reached 2.15 bits and the baseline 4.665.",
        "All 1,240 trials are counted; of 1240 none is left out.",
        "The interval is at 95 % and at 95% too.",
        "The tolerance was 1e-9, that is 10^-9 or 1 × 10⁻⁹.",
        "The difference of −2.52 bits is a decrease of 54 % of the baseline.",
        "On H100 machines GPT-4 and CIFAR-10 stay names, as do 2D grids, version 1.2.3 and Section 3.",
        "Kocaoglu and others said so in 2017 [@kocaoglu2017].",
        "There were two reasons: (1) speed, (2) memory.",
        "$H(X) \\le \\log_2 n$, $x_1 + x_{12}^2$, $1 - p$, $\\frac{1}{n}$ and $x \\in [0, 1]$, $\\{0,1\\}^n$.",
        "The effect is at least $\\delta = 0.2$ bits.",
    ],
)
def test_numbers_that_are_facts_or_no_claims_pass(paper: Paper, checked: Check, text: str) -> None:
    assert checked(saying(paper, text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "The variant reached 2.16 bits.",
        "All 1,241 trials are counted.",
        "The interval is at 90 %.",
        "The tolerance was 1e-8.",
        "It was 3.1× faster.",
        "The difference was +2.52 bits.",
        "It took 7k steps.",
        "Only $p < 0.004$ was seen.",
        "$\\Delta = 31$ and nothing else.",
        "$\\Delta = 4/7$ and nothing else.",
        "$\\Delta = x_{0.43}$ and nothing else.",
        "$\\Delta = \\mathbf7$ and nothing else.",
        "$\\Delta = AB-47$ and nothing else.",
        "$d = 8\\,\\mathrm{bits}$ and nothing else.",
        "It was $7 \\times 10^{-4}$ bits.",
        "It held on `0.97` of the messages.",
        "It held on seventeen seeds.",
        "A large effect was found (7).",
        "In 2031 all will be known.",
        "It was ½ a bit.",
        "It was ７７ bits.",
        "It was ⁷⁷ bits.",
        "It was 1\u200b7 bits.",
    ],
)
def test_numbers_that_are_no_facts_stop_the_paper(paper: Paper, checked: Check, text: str) -> None:
    assert stops(checked(saying(paper, text)))


@pytest.mark.parametrize(
    "text", ["−[[confirm.difference]]", "1[[confirm.n]]", "[[confirm.n]][[full.n]]", "0.[[full.n]]"]
)
def test_a_fact_cannot_be_made_another_number_by_what_it_touches(paper: Paper, checked: Check, text: str) -> None:
    assert any("runs into" in problem.what for problem in checked(saying(paper, f"It was {text} in all.")))


@pytest.mark.parametrize("place", ["title", "abstract"])
def test_titles_and_abstracts_are_read_too(paper: Paper, checked: Check, place: str) -> None:
    problem = only(checked(paper.model_copy(update={place: f"{getattr(paper, place)} It is 31 % better."})))
    assert problem.where.startswith(place)


def test_a_typed_number_in_a_tables_cell_stops_the_paper_even_if_it_is_true(paper: Paper, checked: Check) -> None:
    table = Table(label="tab:more", caption="More.", header=("What", "Value"), rows=(("ours", "2.15"),))
    problem = only(checked(saying(with_block(paper, table), "See [#tab:more].")))
    assert "the cell types the number 2.15" in problem.what


def test_a_number_in_a_displayed_equation_must_be_a_fact(paper: Paper, checked: Check) -> None:
    assert checked(with_block(paper, Equation(label="eq:a", tex=r"\delta = 0.2"))) == ()
    assert "0.31" in only(checked(with_block(paper, Equation(label="eq:a", tex=r"\delta = 0.31")))).what


PROSE = (
    "The variant reached 2.148 bits, the baseline 4.665, a difference of −2.517 ([-2.561, −2.473]) or 54.0 %. "
    "All 1,240 trials, at 95 %, within 0.53 bits, to 1e-9."
)


@given(
    place=st.sampled_from([match.start() for match in re.finditer(r"\d", PROSE)]), digit=st.sampled_from("0123456789")
)
def test_any_digit_changed_in_a_true_text_is_caught_unless_it_makes_another_fact(
    paper: Paper, facts: Facts, checked: Check, place: int, digit: str
) -> None:
    changed = PROSE[:place] + digit + PROSE[place + 1 :]
    assume(not all(any(near(claim, fact) for fact in facts.values()) for claim in claims(changed)))
    assert any("is no fact of this study" in problem.what for problem in checked(saying(paper, changed)))


def near(claim: Claim, fact: Fact) -> bool:
    """Tell whether a claim is within its last digit of a fact, by plain arithmetic."""
    pairs = zip(claim.values, claim.grains, strict=True)
    return any(abs(abs(value) - abs(fact.value)) <= grain * 0.5000001 for value, grain in pairs)


@given(st.floats(1e-3, 1e4), st.integers(0, 4))
def test_a_rounding_of_a_fact_states_it_and_one_more_unit_does_not(value: float, decimals: int) -> None:
    fact = Fact(value=value, unit="", source="", kind="measured")
    text = f"{value:.{decimals}f}"
    claim = next(claims(text))
    assume(claim.digits >= 2)
    assert states(claim, fact)
    other = next(claims(f"{float(text) + 2 * 10.0**-decimals:.{decimals}f}"))
    assert not states(other, fact)


def test_a_formula_is_read_for_its_numbers() -> None:
    def read(tex: str) -> list[str]:
        return [claim.text for claim in formula_claims(tex)]

    assert read(r"\sum_{i=1}^{n} x_i^2 \le 2 n") == []
    assert read(r"p < 0.05") == ["0.05"]
    assert read(r"10^{-6}") == ["10^{-6}"]
    assert read(r"\tau = 1.5 \times 10^{-3}") == [r"1.5 \times 10^{-3}"]
    assert read(r"f(x, 3)") == ["3"]


def signed(paper: Paper, checked: Check, text: str, **other: object) -> list[str]:
    return [problem.what for problem in checked(saying(paper, text), **other) if "the opposite" in problem.what]


@pytest.mark.parametrize(
    "text",
    [
        "The variant lowered it by [[confirm.difference:abs]] bits.",
        "It was [[confirm.difference:abs]] bits lower, a better value.",
        "It improves by [[confirm.relative:abs.0f]] %.",
        "Entropy fell by [[confirm.difference:abs]], or [[confirm.relative:abs.0f]] %.",
        "Higher was predicted, but the difference was [[confirm.difference]].",
        "It did not rise; the difference was [[confirm.difference]].",
        "Lower is better; the difference was [[confirm.difference]] bits.",
    ],
)
def test_direction_words_that_agree_pass(paper: Paper, checked: Check, text: str) -> None:
    assert signed(paper, checked, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "The variant raised it by [[confirm.difference:abs]] bits.",
        "It was [[confirm.difference:abs]] bits higher.",
        "It got worse by [[confirm.difference:abs]] bits.",
        "Entropy increases, by [[confirm.difference:abs]] bits.",
        "Time fell and entropy rose by [[confirm.difference:abs]].",
    ],
)
def test_direction_words_that_contradict_the_sign_stop_the_paper(paper: Paper, checked: Check, text: str) -> None:
    assert len(signed(paper, checked, text)) == 1


def test_better_and_worse_are_read_by_the_metric(paper: Paper, checked: Check) -> None:
    text = "It is better by [[confirm.difference:abs]]."
    assert signed(paper, checked, text, better="lower") == []
    assert len(signed(paper, checked, text, better="higher")) >= 1


def test_a_rounding_that_hides_the_sign_stops_the_paper(paper: Paper, facts: Facts, checked: Check) -> None:
    tiny = facts | {"pilot.difference": facts["pilot.difference"].model_copy(update={"value": -0.0004})}
    problem = only(checked(saying(paper, "It was [[pilot.difference:.2f]]."), facts=tiny))
    assert "hides its sign" in problem.what


def test_a_citation_without_a_record_stops_the_paper(paper: Paper, checked: Check) -> None:
    assert "[@nobody2020] is no record" in only(checked(saying(paper, "As was shown [@nobody2020]."))).what


@pytest.mark.parametrize("field", ["author", "title", "year"])
def test_a_cited_record_needs_author_title_and_year(
    paper: Paper, bibliography: str, checked: Check, field: str
) -> None:
    fields = {
        "author": r"author = \{Holm, Sture\},",
        "title": r"title = \{A Simple[^}]*\},",
        "year": r"year = \{1979\}",
    }
    torn = re.sub(fields[field], "", bibliography)
    problem = only(checked(paper, bibliography=torn))
    assert problem.where == "record holm1979"
    assert field in problem.what


def test_a_record_that_nobody_cites_may_be_incomplete(paper: Paper, bibliography: str, checked: Check) -> None:
    assert checked(paper, bibliography=bibliography + "@misc{bare, note = {none}}") == ()


def test_a_figure_that_was_not_drawn_stops_the_paper(paper: Paper, checked: Check) -> None:
    problem = only(checked(saying(with_block(paper, Figure(label="f", caption="C.", file="ghost")), "See [#f].")))
    assert "no figure ghost" in problem.what
    assert "paired" in problem.remedy


@pytest.mark.parametrize("end", ["pdf", "csv"])
def test_a_figure_file_that_was_changed_after_drawing_stops_the_paper(
    paper: Paper, figures: tuple[FigureFile, ...], checked: Check, tmp_path: Path, end: str
) -> None:
    changed = tmp_path / f"paired.{end}"
    changed.write_bytes(getattr(figures[0], end).read_bytes() + b" ")
    problem = only(checked(paper, figures=(figures[0].model_copy(update={end: changed}),)))
    assert f"paired.{end} is not the file that was drawn" in problem.what


def test_a_figure_without_its_data_stops_the_paper(
    paper: Paper, figures: tuple[FigureFile, ...], checked: Check, tmp_path: Path
) -> None:
    problem = only(checked(paper, figures=(figures[0].model_copy(update={"csv": tmp_path / "gone.csv"}),)))
    assert "gone.csv is missing" in problem.what


def test_a_table_that_the_text_never_mentions_stops_the_paper(paper: Paper, checked: Check) -> None:
    table = Table(label="tab:lost", caption="Lost.", header=("A",), rows=(("b",),))
    assert "never refers to this table" in only(checked(with_block(paper, table))).what


def test_a_reference_to_nothing_stops_the_paper(paper: Paper, checked: Check) -> None:
    assert "[#fig:none] refers to nothing" in only(checked(saying(paper, "See [#fig:none]."))).what


def test_two_blocks_with_one_label_stop_the_paper(paper: Paper, checked: Check) -> None:
    twice = with_block(paper, Equation(label="eq:residual", tex="x = y"))
    assert "2 blocks have this label" in only(checked(twice)).what


def test_an_empty_section_stops_the_paper(paper: Paper, checked: Check) -> None:
    empty = paper.model_copy(update={"sections": (*paper.sections, Section(title="Discussion", blocks=()))})
    assert only(checked(empty)).where == "section “Discussion”"


@pytest.mark.parametrize("block", [Paragraph(text=" "), Items(items=()), Equation(label="eq:e", tex="")])
def test_an_empty_block_stops_the_paper(paper: Paper, checked: Check, block: object) -> None:
    assert any("empty" in problem.what for problem in checked(with_block(paper, block)))


@pytest.mark.parametrize("word", ["TODO", "XXX", "Lorem ipsum", "[insert figure]", "as shown in ??", "TBD"])
def test_a_placeholder_stops_the_paper(paper: Paper, checked: Check, word: str) -> None:
    assert "placeholder" in only(checked(saying(paper, f"The result is {word} and so on."))).what


def test_the_same_paragraph_twice_stops_the_paper(paper: Paper, checked: Check) -> None:
    text = "This very sentence is long enough to be noticed when it stands in a paper more than once."
    assert "stands 2 times" in only(checked(saying(saying(paper, text), text.upper()))).what


def test_the_same_figure_twice_stops_the_paper_whatever_its_name(
    paper: Paper, figures: tuple[FigureFile, ...], checked: Check
) -> None:
    twin = figures[0].model_copy(update={"name": "twin"})
    again = saying(with_block(paper, Figure(label="fig:twin", caption="Again.", file="twin")), "See [#fig:twin].")
    assert "show the same figure" in only(checked(again, figures=(*figures, twin))).what


def test_a_command_that_formulas_may_not_use_stops_the_paper(paper: Paper, checked: Check) -> None:
    assert r"\input" in only(checked(saying(paper, r"Let $\input{x}$ be."))).what


def test_a_row_with_a_cell_too_few_stops_the_paper(paper: Paper, checked: Check) -> None:
    table = Table(label="t", caption="C.", header=("A", "B"), rows=(("only one",),))
    assert "row 1 has 1 cells, the header 2" in only(checked(saying(with_block(paper, table), "See [#t]."))).what


def test_something_that_only_looks_like_a_mark_stops_the_paper(paper: Paper, checked: Check) -> None:
    found = checked(saying(paper, "It was [[confirm.n:>99]] and [@ ]."))
    assert {"[[confirm.n:>99]]", "[@ ]"} <= {problem.what.split(" looks")[0] for problem in found}


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\u4f60", "\x07"])
def test_a_character_that_cannot_be_printed_is_reported_and_does_not_stop_the_paper(
    paper: Paper, checked: Check, character: str
) -> None:
    problem = only(checked(saying(paper, f"Here{character}there.")))
    assert f"U+{ord(character):04X}" in problem.what
    assert not problem.stops
