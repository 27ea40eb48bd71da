"""A paper as LaTeX: pure, total, and safe for any text.

Every mark is resolved, every other character is printed as itself. What cannot be resolved (a fact, a record, a figure
that is not there, a formula that is refused) stands in the PDF in red or as code; `papers.checks` names it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from papers import bibliography as records
from papers import mathematics
from papers.characters import escape, escape_code
from papers.facts import Fact
from papers.marks import Citation, Code, Emphasis, Mathematics, Number, Plain, Reference, Span, parse
from papers.numerals import spell
from papers.paper import Block, Equation, Figure, Items, Listing, Paper, Paragraph, Section, Table
from papers.places import blocks, cited
from papers.study import FigureFile
from papers.tables import layout

NOUN = {"figure": "Figure", "table": "Table", "equation": "Equation", "listing": "Listing"}
NAMED = re.compile(r"\b(?:(?:Figure|Fig\.|Table|Tab\.|Equation|Eq\.|Listing)|(?P<many>Figs\.|Eqs\.|[A-Z][a-z]+s))\s*$")
"""A reference that follows such a word needs none of its own; `many` covers the next one too."""
NEXT = re.compile(r"\s*(?:,|and|to|or|,\s*and|–|-)\s*")
KEPT_TOGETHER = 30
"""A listing of no more lines than this stays on one page."""
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class _Context:
    """What marks are resolved with."""

    facts: Mapping[str, Fact]
    records: frozenset[str]
    figures: frozenset[str]
    kinds: Mapping[str, str]
    """Label to kind of block."""
    listing: str
    """Name of the environment that code is set in."""


def latex(paper: Paper, facts: Mapping[str, Fact], figures: Sequence[FigureFile], bibliography: str) -> str:
    """Give the whole TeX file; it needs `ratchet.sty`, `refs.bib` and the figures by `file_name` beside it."""
    context = _Context(
        facts=facts,
        records=frozenset(entry.key for entry in records.read(bibliography) if records.KEY.fullmatch(entry.key)),
        figures=frozenset(figure.name for figure in figures if FILE_NAME.fullmatch(figure.name)),
        kinds={block.label: block.kind for _, block in blocks(paper) if not isinstance(block, Paragraph | Items)},
        listing=_listing_name(paper),
    )
    main = [_section(section, context) for section in paper.sections if not section.appendix]
    appendix = [_section(section, context) for section in paper.sections if section.appendix]
    parts = [
        _opening(paper, context),
        *main,
        r"\maintextends",
        *([r"\bibliography{refs}"] if context.records and cited(paper) & context.records else []),
        *([r"\beginappendix", *appendix] if appendix else []),
        r"\end{document}",
    ]
    return "\n\n".join(parts) + "\n"


def file_name(figure: str) -> str:
    """Name the file that a figure is set from, beside the TeX file."""
    return f"figure-{figure}.pdf"


def _opening(paper: Paper, context: _Context) -> str:
    return "\n".join(
        (
            r"\documentclass[10pt]{article}",
            r"\usepackage{ratchet}",
            rf"\hypersetup{{pdftitle={{{_metadata(paper.title)}}},pdfauthor={{{_metadata(paper.author)}}}}}",
            rf"\papertitle{{{_text(paper.title, context)}}}",
            rf"\paperauthor{{{escape(paper.author)}}}",
            rf"\papernotice{{AI-generated: {escape(paper.author)}}}",
            rf"\lstnewenvironment{{{context.listing}}}[1][]{{\lstset{{language={{#1}}}}}}{{}}",
            r"\begin{document}",
            r"\makepapertitle",
            r"\begin{abstract}",
            _text(paper.abstract, context),
            r"\end{abstract}",
        )
    )


def _metadata(text: str) -> str:
    """Keep what a PDF's title may hold without any escaping."""
    return " ".join(re.sub(r"[^A-Za-z0-9 .,:;()/+-]", " ", text).split())


def _section(section: Section, context: _Context) -> str:
    tex = rf"\section{{{escape(section.title)}}}"
    for block in section.blocks:
        gap = "\n" if isinstance(block, Equation) else "\n\n"  # a blank line would open a paragraph for it
        tex += gap + _block(block, context)
    return tex


def _block(block: Block, context: _Context) -> str:
    match block:
        case Paragraph():
            heading = rf"\runin{{{_text(block.heading, context)}}}" if block.heading else ""
            return heading + "{}" + _text(block.text, context)
        case Items():
            items = "\n".join(rf"\item {{}}{_text(item, context)}" for item in block.items)
            return f"\\begin{{points}}\n{items}\n\\end{{points}}" if block.items else ""
        case Equation():
            body = mathematics.displayed(block.tex)
            return f"\\begin{{equation}}{_label(block.label)}\n{body}\n\\end{{equation}}"
        case Table():
            return layout(block, _label(block.label), lambda text: _text(text, context))
        case Figure():
            return _figure(block, context)
        case Listing():
            return _listing(block, context)


def _figure(block: Figure, context: _Context) -> str:
    image = rf"\includegraphics[width={block.width:.3f}\linewidth]{{{file_name(block.file)}}}"
    return "\n".join(
        (
            r"\begin{figure}",
            r"\centering",
            image if block.file in context.figures else rf"\missing{{no figure {escape(block.file)}}}",
            rf"\caption{{{_text(block.caption, context)}}}{_label(block.label)}",
            r"\end{figure}",
        )
    )


def _listing(block: Listing, context: _Context) -> str:
    language = {"python": "Python", "diff": "change", "text": ""}[block.language]
    lines = block.code.expandtabs(4).splitlines()
    size = "short" if len(lines) <= KEPT_TOGETHER else "long"
    return "\n".join(
        (
            rf"\begin{{{size}listing}}",
            rf"\listingcaption{{{_text(block.caption, context)}}}{_label(block.label)}\nopagebreak",
            rf"\begin{{{context.listing}}}[{{{language}}}]",
            *map(_ascii, lines),
            rf"\end{{{context.listing}}}",
            rf"\end{{{size}listing}}",
        )
    )


def _listing_name(paper: Paper) -> str:
    """Name an environment that no code of the paper holds, so that none can end it."""
    code = "".join(block.code for _, block in blocks(paper) if isinstance(block, Listing))
    name = "ratchetcode"
    while name in code:
        name += "x"
    return name


def _ascii(line: str) -> str:
    """Write what a listing cannot print by its number."""
    return "".join(c if " " <= c <= "~" else f"<U+{ord(c):04X}>" for c in line)


def _label(label: str) -> str:
    return rf"\label{{{_anchor(label)}}}"


def _anchor(label: str) -> str:
    """Name a label so that TeX can hold it, and so that it is none of the style's own."""
    plain = re.sub(r"[^A-Za-z0-9:.-]", "-", label)
    mark = "" if plain == label else "-" + hashlib.sha256(label.encode("utf-8", "replace")).hexdigest()[:8]
    return f"its:{plain}{mark}"


def _text(text: str, context: _Context) -> str:
    """Give the TeX of a text; neighbours decide on nouns before references, ties and `p = < 0.001`."""
    tex, before, many = "", "", False
    for span in parse(text):
        if isinstance(span, Reference):
            word = NAMED.search(before)
            many = bool(word and word["many"]) or (many and bool(NEXT.fullmatch(before)))
            tex += _reference(span.label, context, named=bool(word) or many)
        else:
            tex = _joined(tex, _span(span, context), span)
        before = span.text if isinstance(span, Plain) else ""
    return tex


def _joined(tex: str, more: str, span: Span) -> str:
    """Add a span's TeX, mending how it meets what stands before it."""
    if isinstance(span, Number) and more.startswith(r"\ensuremath{<}"):
        tex = re.sub(r"\s*=\s*(\\\))?\s*$", r"\1 ", tex)
    if isinstance(span, Citation) and tex.strip():
        tex = tex.rstrip(" ") + "~"
    return tex + re.sub(r"^ (?=\\%)", r"\\,", more)


def _span(span: Span, context: _Context) -> str:
    match span:
        case Plain():
            tex = escape(span.text)
        case Number():
            tex = _number(span, context)
        case Citation():
            tex = _citation(span, context)
        case Reference():
            tex = _reference(span.label, context, named=False)
        case Mathematics():
            tex = mathematics.inline(span.tex)
        case Code():
            tex = rf"\code{{{escape_code(span.text)}}}"
        case Emphasis():
            tex = rf"\emph{{{''.join(_span(inner, context) for inner in span.spans)}}}"
    return tex


def _number(span: Number, context: _Context) -> str:
    known = span.key in context.facts
    return escape(spell(span.key, span.form, context.facts)) if known else _missing(f"no fact {span.key}")


def _citation(span: Citation, context: _Context) -> str:
    known = [key for key in span.keys if key in context.records]
    unknown = [_missing(f"no record {key}") for key in span.keys if key not in context.records]
    return (rf"\citep{{{','.join(known)}}}" if known else "") + "".join(unknown)


def _reference(label: str, context: _Context, *, named: bool) -> str:
    if label not in context.kinds:
        return _missing(f"no label {label}")
    noun = "" if named else f"{NOUN[context.kinds[label]]}~"
    return rf"{noun}\ref{{{_anchor(label)}}}"


def _missing(what: str) -> str:
    return rf"\missing{{{escape(what)}}}"
