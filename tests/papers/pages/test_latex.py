"""What TeX is given, for kind texts and hostile ones."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers import bibliography as records
from papers import mathematics
from papers.characters import escape, escape_code, faults
from papers.facts import Fact
from papers.latex import latex
from papers.marks import Citation, Code, Emphasis, Mathematics, Number, Plain, Reference, parse
from papers.numerals import spell
from papers.paper import Equation, Figure, Items, Listing, Paper, Paragraph, Section, Table
from papers.study import FigureFile

Facts = dict[str, Fact]

OURS = re.compile(
    r"\\(?:text(?:backslash|asciicircum|asciitilde|asciigrave|bar|degree|bullet|copyright|registered|trademark|yen"
    r"|exclamdown|questiondown|onehalf|onequarter|threequarters|ordfeminine|ordmasculine|superscript|subscript)"
    r"|quotesinglbase|quotedblbase|guil\w+|ensuremath|unprintable|dots|S|P|pounds|enspace|quad|ss|o|O|l|L|ae|AE|oe|OE"
    r"|dj|DJ|dh|DH|th|TH|i|j|ng|NG|u|v|H|r|c|k|d|b|char|allowbreak|code|emph|missing|citep|ref)(?![A-Za-z])"
)


def fact(value: float, kind: str = "measured", *, signed: bool = False) -> Fact:
    return Fact.model_validate({"value": value, "unit": "", "source": "", "kind": kind, "signed": signed})


def printed(text: str, facts: Mapping[str, Fact] | None = None, bibliography: str = "") -> str:
    """Give the TeX of one paragraph."""
    paper = Paper(
        title="T",
        author="A",
        abstract="B",
        sections=(
            Section(
                title="S",
                blocks=(
                    Paragraph(text=text),
                    Figure(label="fig:a", caption="C", file="paired"),
                    Table(label="tab:b", caption="C", header=("H",), rows=(("c",),)),
                ),
            ),
        ),
    )
    return latex(paper, facts or {}, (), bibliography).split("\\section{S}\n\n{}")[1].split("\n\n\\begin{figure}")[0]


def test_the_five_marks_are_read() -> None:
    text = "a [[k:.2f]] b [@x; @y] c [#l] d $e$ f *g [[h]]* `i*j*`"
    kinds = [type(span) for span in parse(text) if not isinstance(span, Plain)]
    assert kinds == [Number, Citation, Reference, Mathematics, Emphasis, Code]


@pytest.mark.parametrize("text", ["[[k:>9]]", "[[k e y]]", "[@]", "[# l]", "$", "a*b*c", "2 * 3 * 4", "[[]]"])
def test_what_does_not_read_as_a_mark_is_literal(text: str) -> None:
    assert parse(text) == (Plain(text),)


@pytest.mark.parametrize(
    ("form", "value", "wanted"),
    [
        (".2f", -0.234, "−0.23"),
        ("abs.2f", -0.234, "0.23"),
        ("+.1f", 0.26, "+0.3"),
        (".1%", 0.123, "12.3%"),
        (",.0f", 12345.0, "12,345"),
        ("d", 7.0, "7"),
        (".1e", 0.000012, "1.2 × 10⁻⁵"),
    ],
)
def test_a_form_is_followed(form: str, value: float, wanted: str) -> None:
    assert spell("k", form, {"k": fact(value)}) == wanted


def test_without_a_form_digits_follow_the_width_of_the_interval() -> None:
    facts = {"a.difference": fact(-2.51749), "a.low": fact(-2.9), "a.high": fact(-2.1), "a.variant": fact(1.98765)}
    assert [spell(f"a.{name}", "", facts) for name in ("difference", "low", "variant")] == ["−2.52", "−2.90", "1.99"]


@pytest.mark.parametrize(("value", "wanted"), [(10.0, "10"), (12000.0, "12,000"), (0.2, "0.2"), (1e-9, "10⁻⁹")])
def test_declared_numbers_are_spelled_as_they_are(value: float, wanted: str) -> None:
    assert spell("k", "", {"k": fact(value, "declared")}) == wanted


def test_a_tiny_p_is_below_a_thousandth_and_takes_the_place_of_the_equals_sign() -> None:
    facts = {"confirm.p": fact(0.00004), "full.p": fact(0.0312)}
    assert printed("It has p = [[confirm.p]], $p =$ [[confirm.p]] and p = [[full.p]].", facts) == (
        r"It has p \ensuremath{<} 0.001, \(p\) \ensuremath{<} 0.001 and p = 0.031."
    )


def test_a_minus_is_a_minus_and_percent_does_not_break_from_its_number() -> None:
    assert printed("By [[d]] % of all.", {"d": fact(-54.0, "declared")}) == r"By \ensuremath{-}54\,\% of all."


def test_a_fact_that_is_missing_shows_in_red() -> None:
    assert printed("It is [[ghost]].") == r"It is \missing{no fact ghost}."


def test_citations_keep_to_known_records_and_tie_to_their_word() -> None:
    bibliography = "@misc{a, title={A}, author={B}, year=2000}"
    assert (
        printed("As shown [@a; @ghost].", bibliography=bibliography) == r"As shown~\citep{a}\missing{no record ghost}."
    )


def test_a_reference_brings_its_noun_unless_the_text_has_it() -> None:
    text = "See [#fig:a], Figure [#fig:a], Tables [#tab:b] and [#tab:b], or Table [#tab:b] and [#fig:a]."
    assert printed(text) == (
        r"See Figure~\ref{its:fig:a}, Figure \ref{its:fig:a}, Tables \ref{its:tab:b} and \ref{its:tab:b}, "
        r"or Table \ref{its:tab:b} and Figure~\ref{its:fig:a}."
    )


def test_the_ten_characters_that_tex_obeys_are_printed() -> None:
    assert escape(r"\ { } $ & # % _ ^ ~") == (
        r"\textbackslash{} \{ \} \$ \& \# \% \_ \textasciicircum{} \textasciitilde{}"
    )


def test_letters_of_other_alphabets_are_written_by_commands() -> None:
    assert escape("Kovačević, Łukasz, Ångström, Dvořák, Nguyễn") == (
        r"Kova\v{c}evi\'{c}, \L{}ukasz, \r{A}ngstr\"{o}m, Dvo\v{r}\'{a}k, Nguy\~{\^{e}}n"
    )
    assert escape("α ≤ β − 1 → ∞, 10⁻³, ﬁne") == (
        r"\ensuremath{\alpha} \ensuremath{\le} \ensuremath{\beta} \ensuremath{-} 1 \ensuremath{\rightarrow} "
        r"\ensuremath{\infty}, 10\textsuperscript{\ensuremath{-}}\textsuperscript{3}, fine"
    )


def test_what_the_fonts_lack_shows_its_number_and_what_hides_is_dropped() -> None:
    assert escape("a你b\u202ec\u0007d") == r"a\unprintable{4F60}bcd"
    assert len(faults("a你b\u202ec\u0007d你")) == 3


def test_quotes_face_the_right_way() -> None:
    assert escape('He said "so" ("or not").') == "He said ``so'' (``or not'')."


@given(st.text())
def test_no_text_reaches_tex_with_a_command_of_its_own(text: str) -> None:
    for tex in (escape(text), escape_code(text)):
        left = re.sub(r"\\ensuremath\{(?:\\[A-Za-z]+(?:\{[A-Z]\})?|[^\\{}])*\}", "", tex)
        left = re.sub(r"\\[{}$&#%_ '`^\"~=.,]", "", OURS.sub("", left))
        assert "\\" not in left
        assert not set(left) & set("$&#%_^")
        assert left.count("{") == left.count("}")
        assert all(" " <= c <= "~" for c in left)


@given(st.text(alphabet=r"\{}$^_&#%~[]*`@:;.,= abcinput0123456789" + "\n"))
def test_every_text_of_marks_and_specials_gives_balanced_tex(text: str) -> None:
    tex = printed(text)
    bare = re.sub(r"\\[\\{}]", "", tex)
    assert bare.count("{") == bare.count("}")
    assert r"\input" not in tex
    assert "^^" not in tex


@given(st.text(alphabet="\\{}^_&#%~()[]<>=+-*/|' abexyz012\n"))
def test_a_formula_passes_whole_or_not_at_all(source: str) -> None:
    read = mathematics.formula(source)
    assert bool(read.tex) != bool(read.faults)
    assert set(re.findall(r"\\([A-Za-z]+)", read.tex)) <= mathematics.COMMANDS


@pytest.mark.parametrize(
    "source",
    [
        r"\input{/etc/passwd}", r"\write18{ls}", r"\def\x{\x}\x", r"\catcode`\%=12", r"a^^5cinput b", r"\csname x",
        r"\begin{filecontents}{x}", r"\begin{input}{x}", r"\end{document}", r"\hspace{-9cm}x", r"\color{white}x",
        r"\left( x", r"x }", r"\begin{cases} x", r"\text{a} $ b $", r"x % y", r"\\[9cm]", r"\loop\iftrue", "\\",
        r"\begin{matrix}\end{cases}", "{" * 40 + "}" * 40, "x" * 4000, r"\rule{9cm}{9cm}", r"\href{x}{y}", r"\special",
    ],
)  # fmt: skip
def test_a_formula_may_not_read_write_define_hide_or_move(source: str) -> None:
    assert mathematics.formula(source).faults
    assert re.fullmatch(r"\\code\{.*\}", mathematics.inline(source), re.DOTALL)


@pytest.mark.parametrize(
    "source",
    [
        r"H(X \mid Y) = H(X) - \mathbb{E}\left[ \log \frac{p(y \mid x)}{\nu(y)} \right]", r"\{0, 1\}^n", r"x_{i+1}^{2}",
        r"\begin{cases} a & b \\ c & d \end{cases}", r"\argmax_{\theta \in \Theta} \sum_{i=1}^n \ell_i", "α ≤ β × ∞",
        r"\text{if } x", r"\hat{\mu} \pm \hat{\sigma}/\sqrt{n}", r"\operatorname{KL}(p \,\|\, q)",
    ],
)  # fmt: skip
def test_the_mathematics_of_a_paper_passes(source: str) -> None:
    assert mathematics.formula(source).faults == ()


def test_code_cannot_end_its_listing() -> None:
    code = "x = 1\n\\end{ratchetcode}\n\\input{/etc/passwd}\n\\end{ratchetcodex}\n"
    paper = Paper(
        title="T",
        author="A",
        abstract="B",
        sections=(Section(title="S", blocks=(Listing(label="l", caption="C", code=code, language="text"),)),),
    )
    tex = latex(paper, {}, (), "")
    name = re.search(r"\\lstnewenvironment\{(\w+)\}", tex)
    assert name is not None
    assert name[1] not in code
    assert tex.count(rf"\end{{{name[1]}}}") == 1


def test_a_table_lines_its_decimals_up() -> None:
    facts = {"a": fact(1.25), "b": fact(-10.5)}
    table = Table(label="t", caption="C", header=("x", "y"), rows=(("one", "[[a:.2f]]"), ("two", "[[b:.1f]]")))
    tex = latex(
        Paper(title="T", author="A", abstract="B", sections=(Section(title="S", blocks=(table,)),)), facts, (), ""
    )
    assert r"\begin{tabular}{@{}lr@{}}" in tex
    assert r"\ensuremath{-}10.5\phantom{0}\\" in tex.replace(r"\phantom{5}", r"\phantom{0}")


def test_a_table_taller_than_a_page_breaks() -> None:
    table = Table(label="t", caption="C", header=("x",), rows=tuple((f"row {i}",) for i in range(60)))
    tex = latex(Paper(title="T", author="A", abstract="B", sections=(Section(title="S", blocks=(table,)),)), {}, (), "")
    assert r"\begin{longtable}" in tex


def test_a_list_and_an_equation_are_set() -> None:
    blocks = (Items(items=("[x] first", "second")), Equation(label="eq:a", tex=r"x &= y \\ z &= w"))
    tex = latex(Paper(title="T", author="A", abstract="B", sections=(Section(title="S", blocks=blocks),)), {}, (), "")
    assert r"\item {}{[}x{]} first" in tex
    assert r"\begin{aligned}x &= y \\{} z &= w\end{aligned}" in tex


def test_the_same_paper_gives_the_same_file(
    paper: Paper, facts: Facts, figures: tuple[FigureFile, ...], bibliography: str
) -> None:
    assert latex(paper, facts, figures, bibliography) == latex(paper, facts, figures, bibliography)


def test_records_are_read_as_data() -> None:
    entries = records.read(r"""
    @preamble{ "\write18{touch x}" }
    @string{x = "y"}
    @comment{ no record }
    @article{one, author = {M{\"u}ller, J. and \'{E}ric}, title = "A {B} \& C", year = 1999, pages = {1--2}}
    @misc(two, title = {T}, author = {A}, year = {2001})
    """)
    assert [entry.key for entry in entries] == ["one", "two"]
    assert entries[0].fields["title"] == r"A {B} \& C"
    assert entries[0].fields["pages"] == "1--2"
    assert records.year(entries[0]) == 1999


def test_a_records_fields_only_print() -> None:
    hostile = r"""@article{k, author = {\input{/etc/passwd} and M{\"u}ller, J. and {Team \LaTeX}}, year = {2020}, url={file:///x},
      title = {\write18{ls} on $\alpha$ and $\input{x}$ ^^5c {MEC} #1 50%}, journal = {J}, note = {\end{document}}}"""
    written = records.write(records.read(hostile))
    commands = set(re.findall(r"\\([A-Za-z]+)", re.sub(r"\\code\{.*?\}\}", "", written)))
    assert not commands & {"input", "write", "end", "LaTeX"}
    assert r"M{{\"{u}}}ller" in written
    assert r"{{\(\alpha \)}}" in written
    assert "file:" not in written
    assert "{MEC}" in written
    assert records.oddities(records.read(hostile)[0])


@given(st.text(alphabet='\\{}$%#&_^~"@=, abci\n'))
def test_any_field_gives_a_record_whose_braces_match(value: str) -> None:
    entry = records.Entry(key="k", kind="misc", fields={"title": value, "author": "A", "year": "2000"})
    written = records.write((entry,))
    assert written.count("{") == written.count("}")
    depth = 0
    for c in written:
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
