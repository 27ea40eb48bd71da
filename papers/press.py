"""The press: a TeX file to a PDF, in a sandbox, with the log read for whoever can mend the paper.

Only the files named here are set in: the TeX file, our style, the bibliography as we write it, and figures whose bytes
are those that were drawn. The same input gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from papers import bibliography as records
from papers.latex import FILE_NAME, file_name
from papers.log import problems
from papers.problem import Problem
from papers.study import FigureFile
from sandboxes.job import OUT, Ending, Job, Limits, Outcome, Runtime, Sandbox
from sandboxes.record import Record, write_atomically

PAGE_LIMIT = 9
"""Pages of main text, before the references."""
MOST_PAGES = 60
MOST_BYTES = 32 * 2**20
LIMITS = Limits(
    wall_seconds=180,
    cpu_seconds=120,
    memory_bytes=2**30,
    work_bytes=128 * 2**20,
    output_bytes=4 * 2**20,
    processes=64,
)
COMMAND = (
    "latexmk",
    "-norc",
    "-pdf",
    "-interaction=nonstopmode",
    "-halt-on-error",
    "-no-shell-escape",
    "-file-line-error",
    f"-outdir={Path(OUT).name}",
    "paper.tex",
)
ENVIRONMENT = {
    "openin_any": "p",
    "openout_any": "p",
    "shell_escape": "f",
    "max_print_line": "2000",
    "SOURCE_DATE_EPOCH": "1700000000",
    "FORCE_SOURCE_DATE": "1",
}
ACTIVE = re.compile(
    rb"/(?:JavaScript|JS|Launch|OpenAction|AA|EmbeddedFiles?|RichMedia|SubmitForm|ImportData|GoToR|GoToE|XFA)\b"
    rb"|/URI\s*\((?!https?://)"
)
"""What a PDF may hold that does something when it is opened or clicked."""


class Pressed(Record):
    """What came of pressing."""

    pdf: Path | None
    """None when the paper did not become a PDF that may be shown."""
    pages: int = 0
    main_pages: int = 0
    """Pages up to the end of the main text."""
    problems: tuple[Problem, ...] = ()


def press(  # noqa: PLR0913 - a press needs its ink and its paper
    tex: str,
    bibliography: str,
    figures: Sequence[FigureFile],
    sandbox: Sandbox,
    folder: Path,
    *,
    page_limit: int = PAGE_LIMIT,
    limits: Limits = LIMITS,
) -> Pressed:
    """Typeset `tex` into `folder/paper.pdf`, with the sources beside it; earlier ones are replaced.

    Raises `SandboxUnavailableError` when the sandbox itself fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "paper.pdf").unlink(missing_ok=True)
    strange = _set_in(tex, bibliography, figures, folder)
    with tempfile.TemporaryDirectory(prefix="ratchet-press-") as scratch:
        room = Path(scratch)
        _copy(folder, room / "files", figures)
        outcome = sandbox.run(_job(room, limits))
        _keep_log(room, folder)
        return _read(outcome, room / "outputs", folder, page_limit, strange)


def _set_in(tex: str, bibliography: str, figures: Sequence[FigureFile], folder: Path) -> list[Problem]:
    """Write the sources into `folder`; name the figures that are not what was drawn."""
    write_atomically(folder / "paper.tex", tex)
    write_atomically(folder / "refs.bib", records.write(records.read(bibliography)))
    write_atomically(folder / "ratchet.sty", resources.files("papers").joinpath("style/ratchet.sty").read_bytes())
    strange = []
    for figure in figures:
        content = figure.pdf.read_bytes() if figure.pdf.is_file() and not figure.pdf.is_symlink() else b""
        if FILE_NAME.fullmatch(figure.name) and hashlib.sha256(content).hexdigest() == figure.pdf_sha256:
            write_atomically(folder / file_name(figure.name), content)
        else:
            strange.append(
                Problem(
                    where=f"figure {figure.name}",
                    what="its PDF is missing or is not the one that was drawn",
                    remedy="draw the figures again",
                )
            )
    return strange


def _copy(folder: Path, room: Path, figures: Sequence[FigureFile]) -> None:
    """Copy the allowed files, and no other that may lie in `folder`."""
    room.mkdir()
    names = ["paper.tex", "refs.bib", "ratchet.sty"]
    names += [file_name(figure.name) for figure in figures if FILE_NAME.fullmatch(figure.name)]
    for name in names:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, room / name, follow_symlinks=False)


def _job(room: Path, limits: Limits) -> Job:
    return Job(
        argv=COMMAND,
        runtime=Runtime.tex,
        limits=limits,
        files=room / "files",
        outputs=room / "outputs",
        logs=room / "logs",
        environment=ENVIRONMENT,
    )


def _keep_log(room: Path, folder: Path) -> None:
    """Keep what a person needs when the paper does not set."""
    for found, name in (("outputs/paper.log", "paper.log"), ("outputs/paper.blg", "paper.blg")):
        if (room / found).is_file():
            write_atomically(folder / name, (room / found).read_bytes())


def _read(outcome: Outcome, outputs: Path, folder: Path, page_limit: int, strange: list[Problem]) -> Pressed:
    log = _text(outputs / "paper.log")
    tex = (folder / "paper.tex").read_text()
    found = [*strange, *problems(log, _text(outputs / "paper.blg"), tex)]
    pdf = outputs / "paper.pdf"
    if outcome.ending is not Ending.finished or not pdf.is_file():
        return Pressed(pdf=None, problems=tuple(_with_ending(found, outcome)))
    content = pdf.read_bytes()
    pages = _pages(log)
    main_pages = _main_pages(_text(outputs / "paper.aux"), pages)
    found += _too_much(len(content), pages, main_pages, page_limit) + _active(content)
    if any(problem.where == "paper.pdf" for problem in found):
        return Pressed(pdf=None, pages=pages, main_pages=main_pages, problems=tuple(found))
    write_atomically(folder / "paper.pdf", content)
    return Pressed(pdf=folder / "paper.pdf", pages=pages, main_pages=main_pages, problems=tuple(found))


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""


def _with_ending(found: list[Problem], outcome: Outcome) -> list[Problem]:
    """Make sure that a paper without a PDF has a problem that says why."""
    if any(problem.stops for problem in found) and outcome.ending is Ending.crashed:
        return found
    what = f"typesetting ended as {outcome.ending} after {outcome.wall_seconds:.0f} s (exit code {outcome.exit_code})"
    remedy = "read paper.log beside it; shorten the paper if a limit was reached"
    return [*found, Problem(where="paper.tex", what=what, remedy=remedy)]


def _pages(log: str) -> int:
    written = re.findall(r"Output written on \S*paper\.pdf \((\d+) pages?", log)
    return int(written[-1]) if written else 0


def _main_pages(aux: str, pages: int) -> int:
    noted = re.search(r"\\gdef\s*\\ratchetmainpages\s*\{(\d+)\}", aux)
    return int(noted.group(1)) if noted else pages


def _too_much(size: int, pages: int, main_pages: int, page_limit: int) -> list[Problem]:
    found = []
    if main_pages > page_limit:
        found.append(
            Problem(
                where="main text",
                what=f"it takes {main_pages} pages, the limit is {page_limit}",
                remedy="move tables, listings or details into an appendix",
            )
        )
    if pages > MOST_PAGES:
        remedy = "leave out what a reader does not need"
        found.append(Problem(where="paper.pdf", what=f"it has {pages} pages, more than {MOST_PAGES}", remedy=remedy))
    if size > MOST_BYTES:
        remedy = "draw fewer points in the figures"
        found.append(Problem(where="paper.pdf", what=f"it has {size} bytes, more than {MOST_BYTES}", remedy=remedy))
    return found


def _active(content: bytes) -> list[Problem]:
    """Name what would act when the PDF is opened or clicked; its objects are not compressed, only streams are."""
    outside = re.sub(rb"stream\r?\n.*?endstream", b"", content, flags=re.DOTALL)
    names = sorted({match.group().decode("latin-1") for match in ACTIVE.finditer(outside)})
    remedy = "remove the link or the figure that brings it in"
    return [Problem(where="paper.pdf", what=f"it holds the active entry {name}", remedy=remedy) for name in names]
