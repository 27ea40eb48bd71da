from __future__ import annotations

from collections.abc import Callable

import pytest

from papers.compose import REQUESTS, compose
from papers.evidence import Conclusion
from papers.facts import facts
from papers.manuscript import ManuscriptError, labelled, read, write
from papers.overstatement import overstated
from papers.paper import Equation, Figure, Items, Paragraph, Section, Table
from papers.places import Place
from papers.study import Study

StudyOf = Callable[..., Study]

TABLE = Table(label="tab:one", caption="One.", header=("a",), rows=(("`x`",),))
FIGURE = Figure(label="fig:two", caption="Two.", file="two")
COMPUTED = Section(title="Results", blocks=(Paragraph(text="[#tab:one] and [#fig:two]."), TABLE, FIGURE))


def faults(text: str) -> str:
    with pytest.raises(ManuscriptError) as raised:
        read(text, COMPUTED)
    return str(raised.value)


@pytest.mark.parametrize("conclusion", tuple(Conclusion))
def test_a_composed_section_reads_the_same_after_it_was_written_out(study_of: StudyOf, conclusion: Conclusion) -> None:
    paper = compose(study_of(conclusion), REQUESTS)
    for section in paper.sections:
        if any(isinstance(block, Paragraph) for block in section.blocks):
            assert read(write(section, section), section) == section


def test_paragraphs_items_headings_and_equations_are_read() -> None:
    text = "### Headline\nIt fell\nby much.\n\n- one\n- two\n  more\n\n$$\na = b\n$$\n\n$$ c $$\n\nSee [#tab:one]."
    blocks = read(text, COMPUTED).blocks
    assert blocks[:4] == (
        Paragraph(text="It fell by much.", heading="Headline"),
        Items(items=("one", "two more")),
        Equation(label="eq:results-1", tex="a = b"),
        Equation(label="eq:results-2", tex="c"),
    )


def test_what_is_computed_stands_where_it_is_placed() -> None:
    blocks = read("First.\n\n{{figure:fig:two}}\n\nSecond.\n\n{{tab:one}}", COMPUTED).blocks
    assert blocks == (Paragraph(text="First."), FIGURE, Paragraph(text="Second."), TABLE)


def test_what_is_left_out_follows_the_text_that_refers_to_it() -> None:
    blocks = read("See [#fig:two].\n\nMore.\n\n{{table:tab:one}}", COMPUTED).blocks
    assert blocks == (Paragraph(text="See [#fig:two]."), FIGURE, Paragraph(text="More."), TABLE)


def test_what_is_left_out_and_never_referred_to_follows_its_neighbour() -> None:
    blocks = read("{{table:tab:one}}\n\nAll.", COMPUTED).blocks
    assert blocks == (TABLE, FIGURE, Paragraph(text="All."))


def test_a_fence_around_the_whole_answer_is_taken_off() -> None:
    assert read("```markdown\nAll [#tab:one].\n```", COMPUTED).blocks[0] == Paragraph(text="All [#tab:one].")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("# Results\n\nIt fell.", "run-in heading is ###"),
        ("It **fell**.", "*word*"),
        ("| a | b |\n|---|---|", "tables are computed"),
        ("It <b>fell</b>.", "HTML"),
        (r"It fell \cite{x}.", "[@key]"),
        (r"It \textbf{fell}.", "LaTeX outside of mathematics"),
        (r"It fell by 5\%.", "LaTeX outside of mathematics"),
        ("![plot](plot.png)", "image"),
        ("See [the site](https://example.org).", "link"),
        ("```python\nx\n```\nIt.", "code is not typed"),
        ('{"text": "It fell."}', "is JSON"),
        ("1. First\n2. Second", "numbers an item"),
        ("It fell {{table:tab:one}} here.", "line of its own"),
        ("It.\n\n{{table:tab:three}}", "{{table:tab:one}}, {{figure:fig:two}}"),
        ("It.\n\n{{figure:tab:one}}", "nothing that this section can place"),
        ("It.\n\n{{table:tab:one}}\n\n{{table:tab:one}}", "placed twice"),
        ("It.\n\n### Last", "opens no paragraph"),
        ("### First\n\n{{table:tab:one}}\n\nIt.", "opens no paragraph"),
        ("{{table:tab:one}}", "no paragraph: write prose"),
    ],
)
def test_what_language_models_like_to_write_is_named_with_what_to_do(text: str, fault: str) -> None:
    assert fault in faults(text)


def test_code_and_mathematics_may_hold_what_prose_may_not() -> None:
    text = r"The option `__init__` sets $\frac{a}{b}$ and `<b>`."
    assert read(text, COMPUTED).blocks[0] == Paragraph(text=text)


def test_labels_are_those_of_computed_blocks() -> None:
    assert list(labelled(COMPUTED)) == ["tab:one", "fig:two"]


def named(study: Study, text: str) -> list[str]:
    supported = study.conclusion is Conclusion.supported
    return [problem.what for problem in overstated(Place("here", text), facts(study), supported=supported)]


@pytest.mark.parametrize(
    "text",
    [
        "The change significantly lowered the entropy.",
        "The difference of [[confirm.difference]] bits is statistically significant.",
        "These results confirm our hypothesis.",
        "The prediction was clearly supported.",
        "Although few, the trials demonstrate that the hypothesis holds.",
    ],
)
def test_a_claim_that_an_inconclusive_study_does_not_bear_is_named(study_of: StudyOf, text: str) -> None:
    assert named(study_of(Conclusion.inconclusive), text)


@pytest.mark.parametrize(
    "text",
    [
        "The difference is not significant.",
        "No significant effect was found.",
        "It is open whether the prediction is supported.",
        "A prediction counts as supported only if the interval excludes zero.",
        "Earlier work found a significant gain [@sokota2024].",
        "Numbers are printed to two significant digits.",
        "The trials did not confirm the hypothesis.",
    ],
)
def test_what_claims_nothing_is_not_named(study_of: StudyOf, text: str) -> None:
    assert named(study_of(Conclusion.inconclusive), text) == []


def test_a_supported_study_may_say_so(study_of: StudyOf) -> None:
    study = study_of(Conclusion.supported)
    assert named(study, "The difference of [[confirm.difference]] is significant and supports the hypothesis.") == []
    assert named(study, "The rate changed significantly, by [[confirm.bits_per_token.difference]].")
