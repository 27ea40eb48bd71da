import pytest

from papers.facts import Fact
from papers.paper import Equation, Figure, Items, Listing, Paper, Paragraph, Section, Table
from reviews import document
from reviews.document import Document
from reviews.sentences import sentences

FACTS = {
    "confirm.difference": Fact(value=-0.2631, unit="bits", source="confirm", kind="measured", signed=True),
    "confirm.n": Fact(value=10, unit="", source="confirm", kind="counted"),
}
BIBLIOGRAPHY = """
@article{kocaoglu2017,
  author = {Murat Kocaoglu and others},
  title = {Entropic Causal Inference},
  year = {2017},
}
@inproceedings{unread2020,
  author = {Nobody, A.},
  title = {A Work Nobody Cites},
  year = {2020},
}
"""
PAPER = Paper(
    title="*Merging* lowers entropy by [[confirm.difference:abs.2f]] bits",
    author="Ratchet",
    abstract="We merge. The difference is [[confirm.difference:.2f]] bits (n = [[confirm.n]]).",
    sections=(
        Section(
            title="Results",
            blocks=(
                Paragraph(text="[#tab:one] shows it, e.g. for `merge` (see [@kocaoglu2017]).", heading="Headline"),
                Table(
                    label="tab:one",
                    caption="The difference.",
                    header=("Stage", "Difference"),
                    rows=(("confirm", "[[confirm.difference:.3f]]"),),
                ),
                Items(items=("Its size is $H(X)$.", "It is in [#fig:pairs].")),
                Figure(label="fig:pairs", caption="Pairs, see [@missing].", file="pairs"),
                Equation(label="eq:one", tex="x = y"),
                Listing(label="lst:one", caption="Code.", code="x = 1", language="python"),
            ),
        ),
        Section(title="Odds and ends", blocks=(Paragraph(text="[[no.such.fact]] is unknown."),), appendix=True),
    ),
)


@pytest.fixture
def read() -> Document:
    return document.from_paper(PAPER, FACTS, BIBLIOGRAPHY)


def test_marks_are_read_as_they_are_printed(read: Document) -> None:
    assert read.title == "Merging lowers entropy by 0.26 bits"
    assert read.abstract == ("We merge.", "The difference is −0.26 bits (n = 10).")
    assert read.sections[0].sentences == (
        "Headline.",
        "Table 1 shows it, e.g. for merge (see (kocaoglu2017)).",
        "Its size is $H(X)$.",
        "It is in Figure 1.",
    )


def test_tables_and_figures_are_numbered_and_filled(read: Document) -> None:
    assert read.tables[0].label == "Table 1"
    assert read.tables[0].rows == (("confirm", "−0.263"),)
    assert read.figures[0].caption == "Pairs, see (?)."
    assert (read.equations, read.listings) == (1, 1)


def test_what_resolves_to_nothing_is_seen_as_a_question_mark(read: Document) -> None:
    assert read.sections[1].sentences == ("? is unknown.",)
    assert read.sections[1].appendix


def test_references_say_whether_the_text_cites_them(read: Document) -> None:
    assert [(r.key, r.title, r.year, r.cited) for r in read.references] == [
        ("kocaoglu2017", "Entropic Causal Inference", 2017, True),
        ("unread2020", "A Work Nobody Cites", 2020, False),
    ]


@pytest.mark.parametrize(
    "place",
    ["Title", "Abstract", "Results", "Table 1", "Figure 1", "References", "“We merge.”", '"It is in Figure 1."'],
)
def test_places_that_exist_are_found(place: str, read: Document) -> None:
    assert read.has(place)


@pytest.mark.parametrize("place", ["", "Table 2", "Discussion", "We merge.", "“We merge twice.”", "“is”"])
def test_places_that_do_not_exist_are_not(place: str, read: Document) -> None:
    assert not read.has(place)


def test_a_long_enough_part_of_a_sentence_is_a_place(read: Document) -> None:
    assert read.has("“The difference is −0.26 bits”")


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("One. Two.", ("One.", "Two.")),
        ("It fell by 0.26 bits. We see.", ("It fell by 0.26 bits.", "We see.")),
        ("See e.g. Table 1, i.e. Fig. 2 of Sokota et al. 2024. Done.", None),
        ("Is it so? It is!", ("Is it so?", "It is!")),
        ("He said “no.” Then he left.", ("He said “no.”", "Then he left.")),
        ("  spread \n over lines ", ("spread over lines",)),
    ],
)
def test_prose_is_cut_where_a_reader_would(text: str, cut: tuple[str, ...] | None) -> None:
    assert sentences(text) == (cut or ("See e.g. Table 1, i.e. Fig. 2 of Sokota et al. 2024.", "Done."))
