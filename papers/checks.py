"""The gates: what a paper must pass before it is printed.

Each gate gives problems; one that stops keeps the paper from the press. The gates know nothing of who wrote the paper.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from papers import bibliography as records
from papers import characters, mathematics
from papers.claims import Ground, unsupported, unsupported_equation
from papers.directions import contradicted
from papers.facts import Fact
from papers.latex import FILE_NAME
from papers.marks import Citation, Mathematics, Number, Plain, Reference, flat
from papers.numerals import hides
from papers.paper import Block, Equation, Figure, Items, Listing, Paper, Paragraph, Table
from papers.places import Place, blocks, cited, places
from papers.problem import Problem
from papers.sentences import LONGEST, quoted
from papers.study import FigureFile

PLACEHOLDER = re.compile(
    r"\b(?:TODO|FIXME|XXX+|TBD|TBA|TK)\b|\blorem ipsum\b|\?\?+"
    r"|[\[<(]\s*(?:insert|add|your|placeholder|citation needed|to be)\b[^\])>]*[\])>]|\binsert \w+ here\b",
    re.IGNORECASE,
)
SHORT = 40
"""A repeated paragraph of fewer characters than this is a phrase."""


def check(
    paper: Paper,
    facts: Mapping[str, Fact],
    figures: Sequence[FigureFile],
    bibliography: str,
    better: Literal["higher", "lower"],
) -> tuple[Problem, ...]:
    """Hold a paper against its study; empty when it may be printed as it is.

    `figures` and `bibliography` are the study's, `better` its metric's. Figure files are read.
    """
    entries = records.read(bibliography)
    ground = Ground(facts, frozenset(year for entry in entries if (year := records.year(entry)) is not None))
    found = [
        *(problem for place in places(paper) for problem in _text(place, facts, ground, better)),
        *(problem for _, block in blocks(paper) for problem in _block(block, ground)),
        *_citations(paper, entries),
        *_figures(paper, figures),
        *_labels(paper),
        *_gaps(paper),
        *_repeats(paper, figures),
    ]
    return tuple(dict.fromkeys(found))


def stops(problems: Sequence[Problem]) -> bool:
    """Tell whether any of them keeps the paper from the press."""
    return any(problem.stops for problem in problems)


def _text(
    place: Place, facts: Mapping[str, Fact], ground: Ground, better: Literal["higher", "lower"]
) -> Iterator[Problem]:
    yield from _named(place, facts)
    yield from unsupported(place, ground)
    yield from contradicted(place, facts, better)
    yield from _printable(place)
    yield from _placeholders(place)


def _named(place: Place, facts: Mapping[str, Fact]) -> Iterator[Problem]:
    """Every named fact exists, and its spelling keeps its sign."""
    where = quoted(place.where, place.text)
    for span in flat(place.text):
        if not isinstance(span, Number):
            continue
        if span.key not in facts:
            yield Problem(where=where, what=f"[[{span.key}]] is no fact of this study", remedy=_alike(span.key, facts))
        elif hides(span.key, span.form, facts):
            what = f"[[{span.key}:{span.form}]] prints zero for {facts[span.key].value:.3g} and hides its sign"
            yield Problem(where=where, what=what, remedy=f"write [[{span.key}]], or more digits")


def _alike(key: str, facts: Mapping[str, Fact]) -> str:
    import difflib

    close = difflib.get_close_matches(key, facts, n=3, cutoff=0.5)
    return f"the nearest keys are {', '.join(close)}" if close else "name a key that the study has"


def _printable(place: Place) -> Iterator[Problem]:
    """Formulas keep to the list; characters that cannot be printed are reported and do not stop the build."""
    where = quoted(place.where, place.text)
    for span in flat(place.text):
        if isinstance(span, Mathematics):
            for fault in mathematics.formula(span.tex).faults:
                yield Problem(
                    where=where, what=fault, remedy="write the formula with the TeX that is allowed, or as code"
                )
    for fault in characters.faults(place.text):
        remedy = "write it with other characters; it was left out or shown by its number"
        yield Problem(where=where, what=f"the text holds {fault}", remedy=remedy, stops=False)


def _placeholders(place: Place) -> Iterator[Problem]:
    for span in flat(place.text):
        match = PLACEHOLDER.search(span.text) if isinstance(span, Plain) else None
        if match:
            what = f"“{match.group()}” is a placeholder"
            yield Problem(
                where=quoted(place.where, place.text), what=what, remedy="write what belongs there, or nothing"
            )


def _block(block: Block, ground: Ground) -> Iterator[Problem]:
    match block:
        case Equation():
            for fault in mathematics.formula(block.tex, rows=True).faults:
                remedy = "write it with the TeX that is allowed"
                yield Problem(where=f"equation {block.label}", what=fault, remedy=remedy)
            yield from unsupported_equation(block.label, block.tex, ground)
        case Table():
            for number, row in enumerate(block.rows, 1):
                if len(row) != len(block.header):
                    what = f"row {number} has {len(row)} cells, the header {len(block.header)}"
                    yield Problem(
                        where=f"table {block.label}", what=what, remedy="give each row a cell for each column"
                    )
        case _:
            return


def _citations(paper: Paper, entries: Sequence[records.Entry]) -> Iterator[Problem]:
    known = {entry.key: entry for entry in entries}
    for place in places(paper):
        for span in flat(place.text):
            for key in span.keys if isinstance(span, Citation) else ():
                if key not in known:
                    what = f"[@{key}] is no record of the bibliography"
                    remedy = "cite a record that the survey found, or nothing"
                    yield Problem(where=quoted(place.where, place.text), what=what, remedy=remedy)
    for key in sorted(cited(paper) & known.keys()):
        where = f"record {key}"
        for lack in records.lacks(known[key]):
            remedy = "complete it from its source, or do not cite it"
            yield Problem(where=where, what=f"it lacks {_article(lack)}", remedy=remedy)
        for oddity in records.oddities(known[key]):
            yield Problem(where=where, what=oddity, remedy="mend the record if it prints badly", stops=False)


def _article(noun: str) -> str:
    return noun if noun.startswith("a ") else f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _figures(paper: Paper, figures: Sequence[FigureFile]) -> Iterator[Problem]:
    drawn = {figure.name: figure for figure in figures}
    for _, block in blocks(paper):
        if not isinstance(block, Figure):
            continue
        where = f"figure {block.label}"
        if block.file not in drawn or not FILE_NAME.fullmatch(block.file):
            what = f"the study drew no figure {block.file}"
            remedy = f"use one of {', '.join(sorted(drawn))}" if drawn else "leave it out; the study drew none"
            yield Problem(where=where, what=what, remedy=remedy)
            continue
        figure = drawn[block.file]
        for path, digest in ((figure.pdf, figure.pdf_sha256), (figure.csv, figure.csv_sha256)):
            yield from _file(where, path, digest)


def _file(where: str, path: Path, digest: str) -> Iterator[Problem]:
    remedy = "draw the figures again; figure and data belong together"
    if not path.is_file() or path.is_symlink():
        yield Problem(where=where, what=f"{path.name} is missing", remedy=remedy)
    elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        yield Problem(where=where, what=f"{path.name} is not the file that was drawn", remedy=remedy)


def _labels(paper: Paper) -> Iterator[Problem]:
    labelled = [block for _, block in blocks(paper) if not isinstance(block, Paragraph | Items)]
    referred = {
        span.label: place for place in places(paper) for span in flat(place.text) if isinstance(span, Reference)
    }
    count = Counter(block.label for block in labelled)
    for label, times in count.items():
        if times > 1:
            yield Problem(where=label, what=f"{times} blocks have this label", remedy="give each its own")
    for label, place in referred.items():
        if label not in count:
            what = f"[#{label}] refers to nothing"
            remedy = f"refer to one of {', '.join(sorted(count)) or 'none: there are no figures or tables'}"
            yield Problem(where=quoted(place.where, place.text), what=what, remedy=remedy)
    for block in labelled:
        if isinstance(block, Figure | Table) and block.label not in referred:
            what = f"the text never refers to this {block.kind}"
            yield Problem(where=block.label, what=what, remedy=f"write [#{block.label}] where it is discussed")


def _gaps(paper: Paper) -> Iterator[Problem]:
    for name, text in (("title", paper.title), ("abstract", paper.abstract), ("author", paper.author)):
        if not text.strip():
            yield Problem(where=name, what="it is empty", remedy="write it")
    if not any(not section.appendix for section in paper.sections):
        yield Problem(where="paper", what="it has no sections", remedy="write them")
    for section in paper.sections:
        if not section.title.strip() or not any(map(_full, section.blocks)):
            where = f"section “{section.title}”"
            yield Problem(where=where, what="it is empty", remedy="write it, or leave the section out")
    for section, block in blocks(paper):
        if not _full(block):
            where = f"section “{section.title}”"
            yield Problem(where=where, what=f"a {block.kind} in it is empty", remedy="fill it, or leave it out")


def _full(block: Block) -> bool:
    match block:
        case Paragraph():
            return bool(block.text.strip())
        case Items():
            return bool(block.items) and all(item.strip() for item in block.items)
        case Table():
            return bool(block.rows) and bool(block.header) and bool(block.caption.strip())
        case Listing():
            return bool(block.code.strip()) and bool(block.caption.strip())
        case Equation():
            return bool(block.tex.strip())
        case Figure():
            return bool(block.caption.strip())


def _repeats(paper: Paper, figures: Sequence[FigureFile]) -> Iterator[Problem]:
    content = {figure.name: figure.pdf_sha256 for figure in figures}
    shown: dict[str, list[str]] = {}
    for _, block in blocks(paper):
        if isinstance(block, Figure):
            shown.setdefault(content.get(block.file, block.file), []).append(block.label)
    for labels in shown.values():
        if len(labels) > 1:
            what = f"{' and '.join(labels)} show the same figure"
            yield Problem(where=f"figure {labels[-1]}", what=what, remedy="show it once and refer to it")
    texts = Counter(" ".join(text.split()).casefold() for text in _paragraphs(paper))
    yield from (
        Problem(
            where=f"“{text[:LONGEST]}…”", what=f"this paragraph stands {times} times", remedy="keep it where it belongs"
        )
        for text, times in texts.items()
        if times > 1 and len(text) >= SHORT
    )


def _paragraphs(paper: Paper) -> Iterator[str]:
    for _, block in blocks(paper):
        match block:
            case Paragraph():
                yield block.text
            case Items():
                yield from block.items
            case _:
                continue
