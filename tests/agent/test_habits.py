from __future__ import annotations

import pytest

from agent.researchers import habits
from papers.manuscript import ManuscriptError, read
from papers.paper import Equation, Items, Paragraph, Section, Table

FACTS = ("confirm.difference", "headline.p_holm", "confirm.low")
TABLE = Table(label="tab:headline", caption="All.", header=("a",), rows=(("b",),))
COMPUTED = Section(title="Results", blocks=(TABLE,))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("It **fell** much.", "It *fell* much."),
        (r"It \emph{fell}, by \texttt{initial}.", "It *fell*, by `initial`."),
        ("Table [#tab:headline] shows it.", "[#tab:headline] shows it."),
        (r"See Table~\ref{tab:headline}.", "See [#tab:headline]."),
        (r"See (\autoref{tab:headline}).", "See ([#tab:headline])."),
        (r"Known~\cite{smith2020, roe2021}.", "Known [@smith2020; @roe2021]."),
        ("Known [@smith2020, @roe2021].", "Known [@smith2020; @roe2021]."),
        ("Known [[@smith2020]].", "Known [@smith2020]."),
        ("By [confirm.difference] bits.", "By [[confirm.difference]] bits."),
        ("By {{confirm.difference:.2f}} bits.", "By [[confirm.difference:.2f]] bits."),
        ("By `[[confirm.difference]]` bits.", "By [[confirm.difference]] bits."),
        ("By [[ confirm.difference ]] bits.", "By [[confirm.difference]] bits."),
        ("It fell ($p = [[headline.p_holm]]$).", "It fell ($p$ = [[headline.p_holm]])."),
        (r"A 95\% interval of \(x\) and ``more''.", "A 95% interval of $x$ and “more”."),
        ("Here is the Results section:\n\nIt fell.", "It fell."),
        ("## 4. Results\n\nIt fell.", "It fell."),
        ("**Results**\n\nIt fell.", "It fell."),
        (r"\section{Results}" + "\nIt fell.", "It fell."),
        ("```latex\nIt fell.\n```", "It fell."),
        ("---\nIt fell.\n---", "It fell."),
    ],
)
def test_a_habit_that_can_mean_one_thing_is_put_as_the_mark_that_it_means(said: str, meant: str) -> None:
    put = habits.section(said, "Results", FACTS)
    assert read(put, COMPUTED).blocks[0] == Paragraph(text=meant)


def test_headings_lists_equations_and_placed_lines_are_taken_in_any_dress() -> None:
    headed = "# Results\n\n## 4.1 Headline\nIt fell.\n\n**Seed by seed.**\nAll fell:\n\n1. one;\n2. two.\n\n"
    listed = "`{{table:tab:headline}}`\n\n\\begin{itemize}\n\\item three;\n\\end{itemize}\n\n"
    formulas = "\\[ a = b \\]\n\\begin{equation}\\label{eq:x}\nc = d\n\\end{equation}"
    said = headed + listed + formulas
    blocks = read(habits.section(said, "Results", FACTS), COMPUTED).blocks
    assert blocks[0] == Paragraph(text="It fell.", heading="Headline")
    assert blocks[1] == Paragraph(text="All fell:", heading="Seed by seed")
    assert blocks[2] == Items(items=("one;", "two."))
    assert TABLE in blocks
    assert [block.tex for block in blocks if isinstance(block, Equation)] == ["a = b", "c = d"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("As shown before [1], it fell.", "[@key]"),
        ("As shown before [2, 3], it fell.", "[@key]"),
        ("Figure 1 shows that it fell.", "[#label]"),
        ("It fell (Table 2).", "[#label]"),
        ("It fell. Let me know if you need more.", "for the reader"),
        (r"It fell by \SI{3}{bit}.", "LaTeX outside of mathematics"),
    ],
)
def test_what_could_mean_several_things_is_named_with_what_to_do(said: str, told: str) -> None:
    with pytest.raises(ManuscriptError) as caught:
        read(habits.section(said, "Results", FACTS), COMPUTED)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "The rule `a[0.5]` sets $x_{[1]}$ and `**` for [[confirm.difference:.2f]], as Figure 3 of [@roe2021] says.",
        "### Headline\nIt fell [@smith2020; @roe2021], see [#tab:headline].\n\n{{table:tab:headline}}\n\n- one;\n- 2.",
        "A note [sic] on [unknown.key] and $$\na = b\n$$",
        "Its interval is [0, 1) by definition.",
    ],
)
def test_a_manuscript_as_it_should_be_stays_as_it_is(text: str) -> None:
    assert habits.section(text, "Results", FACTS) == text


def test_titles_abstracts_and_keys_lose_their_dress() -> None:
    assert habits.paragraph("# “Smaller steps: a test”", FACTS) == "Smaller steps: a test"
    assert habits.paragraph("**Smaller steps: a test**", FACTS) == "Smaller steps: a test"
    assert habits.paragraph("Abstract: It fell.\n\nBy [confirm.low].", FACTS) == "It fell. By [[confirm.low]]."
    assert [habits.key(each) for each in ("[[confirm.low:.2f]]", "`confirm.low`", "confirm.low")] == ["confirm.low"] * 3
