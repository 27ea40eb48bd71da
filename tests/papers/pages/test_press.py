"""The press, with the real TeX in the real sandbox."""

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest

from papers.checks import check
from papers.facts import Fact
from papers.latex import latex
from papers.log import problems
from papers.paper import Equation, Figure, Items, Listing, Paper, Paragraph, Section, Table
from papers.press import LIMITS, Pressed, press
from papers.study import FigureFile
from sandboxes.bubblewrap import Bubblewrap

Facts = dict[str, Fact]

HOSTILE = (
    # 1: reading
    r"\input{/etc/passwd}", r"\include{/etc/passwd}", r"\verbatiminput{/etc/passwd}", r"\lstinputlisting{/etc/passwd}",
    r"\begin{input}{/etc/passwd}\end{input}", r"\newread\f\openin\f=/etc/passwd\read\f to\x\x",
    r"\includegraphics{/proc/self/environ}", r"\bibliography{/etc/passwd}", r"\input{../../../etc/passwd}",
    r"\input|cat /etc/passwd", r"\input{|id}", r"\jobname", r"\usepackage{verbatim}\verbatiminput{~/.ssh/id_rsa}",
    # 2: running
    r"\write18{touch pwned}", r"\immediate\write18{touch pwned}", r"\ShellEscape{touch pwned}",
    r"\usepackage{minted}\begin{minted}{sh}id\end{minted}", r"\directlua{os.execute('touch pwned')}",
    r"\special{ps: (pwned) run}", r"\pdfcatalog{} openaction user {/S/JavaScript/JS(app.alert(1))}",
    # 3: writing
    r"\newwrite\w\immediate\openout\w=/tmp/pwned\immediate\write\w{x}", r"\openout5=ratchet.sty",
    r"\begin{filecontents*}[overwrite]{ratchet.sty}x\end{filecontents*}", r"\immediate\write\@auxout{\input{x}}",
    # 4: exhausting
    r"\def\x{\x}\x", r"\loop\iftrue\repeat", r"\def\a{\b\b}\def\b{\c\c}\def\c{\a\a}\a", r"\newpage" * 50,
    r"\rule{99999cm}{99999cm}", "{" * 300, "}" * 300, "$" * 101, "\\" * 99,
    # 5: disguise
    r"\catcode`\|=0 |input{/etc/passwd}", "^^5cinput{/etc/passwd}", "^^5c^^5c", r"\endinput", r"\end{document}",
    "\u202eevil\u202c", "\u200b\u200d\ufeff", "\u0430\u0441\u0441ess", r"\renewcommand{\cite}[1]{}",
    r"\geometry{margin=0pt}\pdfpageheight=99in", r"\color{white}hidden", "%\n\\input{x}", "[1cm]", "*", "& & &",
    r"\begin{lstlisting}", r"\end{lstlisting}\input{/etc/passwd}", r"\end{ratchetcode}\input{/etc/passwd}",
    "\x00\x1b[31m", "\\\\[9cm]", "$", "`", "{", "}", "@article{x,", "a, b, c, d, e and f, g, h, i",
)  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Bubblewrap:
    return Bubblewrap()


@pytest.fixture(scope="module")
def pressed(  # noqa: PLR0913, PLR0917 - a press needs its ink and its paper
    paper: Paper,
    facts: Facts,
    figures: tuple[FigureFile, ...],
    bibliography: str,
    sandbox: Bubblewrap,
    tmp_path_factory: pytest.TempPathFactory,
) -> Pressed:
    folder = tmp_path_factory.mktemp("paper")
    return press(latex(paper, facts, figures, bibliography), bibliography, figures, sandbox, folder)


def document(body: str, preamble: str = "") -> str:
    return (
        rf"\documentclass{{article}}\usepackage{{ratchet}}\papertitle{{T}}\paperauthor{{A}}\papernotice{{N}}{preamble}"
        "\n\\begin{document}\n" + body + "\n\\maintextends\n\\end{document}\n"
    )


def text_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, check=True, text=True).stdout


def test_the_good_paper_becomes_a_pdf_without_a_single_complaint(pressed: Pressed) -> None:
    assert pressed.problems == ()
    assert pressed.pdf is not None
    assert pressed.pdf.read_bytes().startswith(b"%PDF-")
    assert 1 <= pressed.main_pages <= pressed.pages


def test_the_pdf_says_what_the_paper_says(pressed: Pressed) -> None:
    assert pressed.pdf is not None
    text = unicodedata.normalize("NFC", " ".join(text_of(pressed.pdf).split()))
    assert "lowered it by 2.52 bits (95 % interval −2.561 to −2.473" in text
    assert "AI-generated: Ratchet 0.1.0 (embedded researcher)" in text
    assert "Kovačević" in text
    assert "Table 2 and Figure 1" in text
    assert "[no " not in text


def test_no_line_of_the_good_paper_sticks_out_and_no_font_is_a_bitmap(pressed: Pressed) -> None:
    assert pressed.pdf is not None
    assert "Overfull" not in (pressed.pdf.parent / "paper.log").read_text()
    fonts = subprocess.run(["pdffonts", str(pressed.pdf)], capture_output=True, check=True, text=True).stdout
    assert "Type 1" in fonts
    assert "Type 3" not in fonts


def test_the_sources_beside_the_pdf_give_the_same_bytes_again(
    pressed: Pressed, figures: tuple[FigureFile, ...], sandbox: Bubblewrap, tmp_path: Path
) -> None:
    assert pressed.pdf is not None
    folder = pressed.pdf.parent
    again = press((folder / "paper.tex").read_text(), (folder / "refs.bib").read_text(), figures, sandbox, tmp_path)
    assert again.pdf is not None
    assert again.pdf.read_bytes() == pressed.pdf.read_bytes()


def test_the_pdf_does_nothing_when_opened_and_links_only_to_the_web(pressed: Pressed) -> None:
    assert pressed.pdf is not None
    from pypdf import PdfReader

    reader = PdfReader(pressed.pdf)
    assert "/OpenAction" not in reader.trailer["/Root"]
    assert "/Names" not in reader.trailer["/Root"] or "/JavaScript" not in reader.trailer["/Root"]["/Names"]
    actions = [note.get_object().get("/A", {}) for page in reader.pages for note in page.get("/Annots", [])]
    assert {action.get("/S") for action in actions} <= {"/URI", "/GoTo", None}
    assert all(action["/URI"].startswith("https://") for action in actions if action.get("/S") == "/URI")


def everywhere(text: str, number: int) -> Section:
    """Put a text wherever a writer can put one."""
    return Section(
        title=text,
        blocks=(
            Paragraph(heading=text, text=f"{text} and `{text}` and *{text}* and ${text}$."),
            Items(items=(text, f"{text} {text}")),
            Equation(label=f"eq:{number}", tex=text),
            Table(
                label=f"tab:{number}{text}",
                caption=text,
                header=(text, "B"),
                rows=((text, text), (text, "")),
                note=text,
            ),
            Figure(label=f"fig:{number}", caption=text, file=text),
            Listing(label=f"lst:{number}", caption=text, code=f"x = 1\n{text}\n", language="python"),
        ),
    )


def hostile_bibliography(texts: tuple[str, ...]) -> str:
    return "\n".join(
        f"@article{{k{number}, author = {{{text} and B, C}}, title = {{{text}}}, journal = {{J}}, year = {{2000}}, "
        f"note = {{{text}}}, url = {{{text}}}, doi = {{{text}}}}}"
        for number, text in enumerate(texts)
    )


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
def test_hostile_text_anywhere_prints_and_does_nothing_else(part: int, sandbox: Bubblewrap, tmp_path: Path) -> None:
    texts = HOSTILE[part::5]
    bibliography = hostile_bibliography(texts)
    citing = Section(title="C", blocks=(Paragraph(text=" ".join(f"[@k{n}]" for n in range(len(texts)))),))
    sections = (*(everywhere(text, number) for number, text in enumerate(texts)), citing)
    paper = Paper(title=texts[0], author=texts[1], abstract=texts[2], sections=sections)
    tex = latex(paper, {}, (), bibliography)
    result = press(tex, bibliography, (), sandbox, tmp_path / "paper", page_limit=99)
    assert [str(problem) for problem in result.problems if problem.stops] == []
    assert result.pdf is not None
    text = text_of(result.pdf)
    assert "root:" not in text
    assert not list(tmp_path.rglob("*pwned*"))
    assert not Path("/tmp/pwned").exists()  # noqa: S108 - where the text would write
    assert "ratchet.sty" in {path.name for path in (tmp_path / "paper").iterdir()}
    assert "Ratchet paper" in (tmp_path / "paper" / "ratchet.sty").read_text()
    assert any(problem.stops for problem in check(paper, {}, (), bibliography, "lower"))


@pytest.mark.parametrize(
    "body",
    [
        r"\input{/etc/passwd}",
        r"\newread\f\openin\f=/etc/passwd \ifeof\f\undefinedthing\fi\read\f to\x\x",
        r"\newwrite\w\immediate\openout\w=/tmp/pwned \immediate\write\w{x}\immediate\closeout\w",
        r"\lstinputlisting{/etc/passwd}",
        r"\input{../../../../etc/passwd}",
    ],
)
def test_even_tex_itself_reads_and_writes_nothing_outside(body: str, sandbox: Bubblewrap, tmp_path: Path) -> None:
    result = press(document(body), "", (), sandbox, tmp_path)
    assert result.pdf is None or "root:" not in text_of(result.pdf)
    assert result.pdf is not None or any(problem.stops for problem in result.problems)
    assert not Path("/tmp/pwned").exists()  # noqa: S108 - where the text would write


def test_tex_runs_no_command_and_latexmk_no_perl_from_the_folder(sandbox: Bubblewrap, tmp_path: Path) -> None:
    (tmp_path / "latexmkrc").write_text("system('echo x > perl.tex');")
    (tmp_path / ".latexmkrc").write_text("system('echo x > perl.tex');")
    body = r"\immediate\write18{echo x > shell.tex}\IfFileExists{shell.tex}{SHELL}{quiet}"
    result = press(document(body + r"\IfFileExists{perl.tex}{PERL}{calm}"), "", (), sandbox, tmp_path)
    assert result.pdf is not None
    assert text_of(result.pdf).split()[0] == "quietcalm"


def test_tex_sees_no_file_by_an_absolute_path_and_writes_none(sandbox: Bubblewrap, tmp_path: Path) -> None:
    seen = press(document(r"\IfFileExists{/usr/bin/bibtex}{SEEN}{unseen}"), "", (), sandbox, tmp_path / "read")
    assert seen.pdf is not None
    assert text_of(seen.pdf).split()[0] == "unseen"
    written = press(document(r"\newwrite\w\immediate\openout\w=/job/x.tex y"), "", (), sandbox, tmp_path / "write")
    assert written.pdf is None


def test_an_endless_loop_ends_with_a_problem(sandbox: Bubblewrap, tmp_path: Path) -> None:
    short = LIMITS.model_copy(update={"wall_seconds": 4.0, "cpu_seconds": 3.0})
    result = press(document(r"\def\x{\x}\x"), "", (), sandbox, tmp_path, limits=short)
    assert result.pdf is None
    assert any("ended as" in problem.what and "limit" in problem.remedy for problem in result.problems)


def test_an_error_names_its_line_and_a_remedy(sandbox: Bubblewrap, tmp_path: Path) -> None:
    result = press(document("Fine.\n\n\\frobnicate{x}"), "", (), sandbox, tmp_path)
    assert result.pdf is None
    assert not (tmp_path / "paper.pdf").exists()
    problem = result.problems[0]
    assert "paper.tex line 5" in problem.where
    assert "frobnicate" in problem.where
    assert "Undefined control sequence" in problem.what
    assert problem.remedy


def test_a_missing_package_is_named(sandbox: Bubblewrap, tmp_path: Path) -> None:
    result = press(document("x", preamble=r"\usepackage{nosuchpackage}"), "", (), sandbox, tmp_path)
    assert any("nosuchpackage.sty" in problem.what and "install" in problem.remedy for problem in result.problems)


def test_references_and_citations_to_nothing_are_named(sandbox: Bubblewrap, tmp_path: Path) -> None:
    body = r"See \ref{its:fig:gone} and \citep{ghost}. \bibliography{refs}"
    result = press(document(body), "@misc{other, title={T}, author={A}, year=2000}", (), sandbox, tmp_path)
    whats = " ".join(problem.what for problem in result.problems)
    assert "fig:gone" in whats
    assert "ghost" in whats


def test_a_line_that_sticks_out_is_reported_and_printed(sandbox: Bubblewrap, tmp_path: Path) -> None:
    result = press(document(r"\noindent\hbox{" + "wide word " * 40 + "}"), "", (), sandbox, tmp_path)
    assert result.pdf is not None
    assert [problem.stops for problem in result.problems] == [False]
    assert "sticks" in result.problems[0].what


def test_main_text_over_the_page_limit_stops_the_paper_and_the_appendix_does_not_count(
    sandbox: Bubblewrap, tmp_path: Path
) -> None:
    long = document(r"A\newpage B\newpage C")
    appended = document("A").replace(r"\maintextends", r"\maintextends\beginappendix\newpage B\newpage C")
    stopped = press(long, "", (), sandbox, tmp_path / "long", page_limit=2)
    assert stopped.main_pages == 3
    assert any("the limit is 2" in problem.what and problem.stops for problem in stopped.problems)
    passed = press(appended, "", (), sandbox, tmp_path / "appended", page_limit=2)
    assert (passed.pages, passed.main_pages, passed.problems) == (3, 1, ())


def test_figures_that_the_main_text_still_owes_count_as_its_pages(sandbox: Bubblewrap, tmp_path: Path) -> None:
    floats = r"\begin{figure}\vbox to 0.8\textheight{x\vfil}\end{figure}" * 3
    result = press(document(f"Text. {floats} More."), "", (), sandbox, tmp_path, page_limit=2)
    assert result.main_pages == result.pages >= 3


def test_nothing_floats_above_the_title(sandbox: Bubblewrap, tmp_path: Path) -> None:
    result = press(document(r"\makepapertitle \begin{figure}floating\end{figure} text"), "", (), sandbox, tmp_path)
    assert result.pdf is not None
    assert text_of(result.pdf).split()[0] == "T"


def test_a_pdf_of_too_many_pages_is_not_shown(sandbox: Bubblewrap, tmp_path: Path) -> None:
    result = press(document(r"x\newpage " * 70), "", (), sandbox, tmp_path, page_limit=99)
    assert result.pdf is None
    assert any("pages, more than" in problem.what for problem in result.problems)


@pytest.mark.parametrize(
    "active",
    [
        r"\pdfcatalog{} openaction user {/S /JavaScript /JS (app.alert(1))}x",
        r"\href{file:///etc/passwd}{x}",
        r"\href{run:/bin/sh}{x}",
        r"\pdfannot width 1cm {/Subtype /Link /A << /S /Launch /F (sh) >>}x",
    ],
)
def test_a_pdf_that_would_act_is_not_shown(active: str, sandbox: Bubblewrap, tmp_path: Path) -> None:
    result = press(document(active), "", (), sandbox, tmp_path)
    assert result.pdf is None
    assert any("active entry" in problem.what for problem in result.problems)


def test_a_figure_that_is_a_link_to_another_file_is_not_set_in(
    figures: tuple[FigureFile, ...], sandbox: Bubblewrap, tmp_path: Path
) -> None:
    link = tmp_path / "link.pdf"
    link.symlink_to(figures[0].pdf)
    result = press(document("x"), "", (figures[0].model_copy(update={"pdf": link}),), sandbox, tmp_path / "paper")
    assert any(problem.where == "figure paired" for problem in result.problems)
    assert not (tmp_path / "paper" / "figure-paired.pdf").exists()


def test_an_earlier_pdf_does_not_outlive_a_paper_that_fails(sandbox: Bubblewrap, tmp_path: Path) -> None:
    press(document("x"), "", (), sandbox, tmp_path)
    assert (tmp_path / "paper.pdf").exists()
    press(document(r"\frobnicate"), "", (), sandbox, tmp_path)
    assert not (tmp_path / "paper.pdf").exists()


def test_the_style_needs_only_packages_of_the_recommended_set() -> None:
    style = Path(__file__).parents[3] / "papers" / "style" / "ratchet.sty"
    names = [
        name
        for group in re.findall(r"\\RequirePackage(?:\[[^\]]*\])?\{([^}]*)\}", style.read_text())
        for name in group.split(",")
    ]
    assert "natbib" in names
    assert shutil.which("kpsewhich")
    for name in names:
        found = subprocess.run(["kpsewhich", f"{name}.sty"], capture_output=True, text=True, check=False).stdout
        assert "texlive" in found, name


def test_a_log_without_line_numbers_still_gives_a_problem() -> None:
    found = problems("blah\n! Emergency stop.\nblah", "", "")
    assert [problem.what for problem in found] == ["Emergency stop."]


def test_bibtex_complaints_are_named() -> None:
    found = problems("", "I was expecting a `,' or a `}'---line 3 of file refs.bib\n", "")
    assert found[0].where == "refs.bib"
    assert "line 3" in found[0].what
