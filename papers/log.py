"""A TeX log, read for whoever can mend the paper."""

from __future__ import annotations

import re
from collections.abc import Iterator

from papers.problem import Problem

TOO_WIDE_POINTS = 20.0
"""An overfull line that sticks out further than this is seen by a reader."""

QUOTED = 80
"""Characters of a line that a problem repeats."""

ERROR = re.compile(r"^(?:\./)?(?P<file>[\w./-]+\.(?:tex|sty|bbl|aux|out)):(?P<line>\d+): (?P<what>.+)$", re.MULTILINE)
FATAL = re.compile(r"^! (?P<what>.+)$", re.MULTILINE)
UNDEFINED_LABEL = re.compile(r"Reference `(?P<label>[^']+)' on page (?P<page>\d+) undefined")
UNDEFINED_CITATION = re.compile(r"Citation `(?P<key>[^']+)' on page (?P<page>\d+) undefined")
REPEATED_LABEL = re.compile(r"Label `(?P<label>[^']+)' multiply defined")
OVERFULL = re.compile(r"Overfull \\hbox \((?P<points>[\d.]+)pt too wide\) .*?(?:at lines? (?P<line>\d+)|while)")
BIBTEX = re.compile(
    r"^(?P<what>(?:I couldn't|I found no|Illegal|Repeated|I was expecting|Missing|.+---line \d+).*)$", re.MULTILINE
)

REMEDY = (
    (r"File `([^']+)' not found", "install the TeX packages that the requirements name, or use a figure of the study"),
    (r"Undefined control sequence", "use only the TeX that formulas may use"),
    (r"Missing \$ inserted", "put the mathematics between dollar signs"),
    (r"Double (?:sub|super)script", "put braces around the inner script"),
    (r"Misplaced alignment tab|Extra alignment tab", "use & only within aligned, cases or a matrix"),
    (r"Missing [{}] inserted|Extra }|Runaway argument|Paragraph ended", "balance the braces of the formula"),
    (r"capacity exceeded", "shorten or split what stands on that line"),
    (r"Missing delimiter|Extra \\(?:right|middle)", "pair each \\left with a \\right and its delimiters"),
)


def problems(log: str, bibtex_log: str, tex: str) -> list[Problem]:
    """Turn what TeX and BibTeX complained of into problems, each once, errors first."""
    errors = [*_errors(log, tex), *_bibtex(bibtex_log)]
    rest = [] if errors else [*_undefined(log), *_too_wide(log, tex)]  # a run cut short has not yet resolved anything
    return list(dict.fromkeys([*errors, *rest]))


def _errors(log: str, tex: str) -> Iterator[Problem]:
    """Give each error; `Emergency stop` only where nothing else says why."""
    found = [_located(match, tex) for match in ERROR.finditer(log)] + [
        Problem(where="paper.tex", what=_said(match), remedy=_remedy(match["what"])) for match in FATAL.finditer(log)
    ]
    meant = [problem for problem in found if not problem.what.startswith("==>")]
    telling = [problem for problem in meant if "Emergency stop" not in problem.what]
    yield from telling or meant


def _located(match: re.Match[str], tex: str) -> Problem:
    line = int(match["line"])
    where = f"{match['file']} line {line}{_quoted(tex, line, match['file'])}"
    return Problem(where=where, what=_said(match), remedy=_remedy(match["what"]))


def _said(match: re.Match[str]) -> str:
    return match["what"].strip().removeprefix("LaTeX Error: ")


def _undefined(log: str) -> Iterator[Problem]:
    for match in UNDEFINED_LABEL.finditer(log):
        label = match["label"].removeprefix("its:")
        yield Problem(
            where=f"page {match['page']}",
            what=f"the label {label} is referred to and does not exist",
            remedy="refer to a figure, table, equation or listing of this paper",
        )
    for match in UNDEFINED_CITATION.finditer(log):
        yield Problem(
            where=f"page {match['page']}",
            what=f"the record {match['key']} is cited and not in the bibliography",
            remedy="cite a record that the survey found",
        )
    for match in REPEATED_LABEL.finditer(log):
        label = match["label"].removeprefix("its:")
        yield Problem(where=label, what="two blocks have this label", remedy="give each its own")


def _bibtex(log: str) -> Iterator[Problem]:
    for match in BIBTEX.finditer(log):
        yield Problem(where="refs.bib", what=match["what"].strip(), remedy="mend or leave out that record")


def _too_wide(log: str, tex: str) -> Iterator[Problem]:
    for match in OVERFULL.finditer(log):
        if float(match["points"]) > TOO_WIDE_POINTS:
            line = int(match["line"] or 0)
            yield Problem(
                where=f"paper.tex line {line}{_quoted(tex, line, 'paper.tex')}" if line else "paper.tex",
                what=f"a line sticks {float(match['points']):.0f} points out of the text",
                remedy="break the formula, shorten the code, or give the table fewer columns",
                stops=False,
            )


def _quoted(tex: str, line: int, file: str) -> str:
    """Quote the line that a message names, when it is of the paper's own file."""
    lines = tex.splitlines()
    if not file.endswith("paper.tex") or not 0 < line <= len(lines):
        return ""
    text = lines[line - 1].strip()
    return f" (“{text[:QUOTED]}{'…' if len(text) > QUOTED else ''}”)" if text else ""


def _remedy(what: str) -> str:
    """Choose what to do about an error."""
    return next((remedy for pattern, remedy in REMEDY if re.search(pattern, what)), "simplify the text on that line")
