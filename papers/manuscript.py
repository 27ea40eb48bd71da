"""A manuscript: the prose of a section as plain text with the marks of `papers.paper`, read strictly.

Paragraphs are parted by blank lines; `- ` begins an item of a list, `### ` a run-in heading for the paragraph that
follows, `$$ … $$` stands for a displayed equation. What is computed and never typed (tables, figures, listings, and the
equations that come with the material) is placed by a line of its own, `{{table:label}}`. Whatever else looks like
Markdown, HTML or LaTeX is a fault: it would be printed as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from papers.marks import Reference, flat
from papers.paper import Block, Equation, Items, Paragraph, Section

PLACED = re.compile(r"\{\{\s*(?:(?P<kind>table|figure|listing|equation)\s*:\s*)?(?P<label>[^{}\s]+)\s*\}\}")
ITEM = re.compile(r"[-*•]\s+(?P<text>.+)")
WRAPPED = re.compile(r"```(?:markdown|md|text|txt|latex|tex)?\s*\n(?P<inside>.*)\n```", re.DOTALL)
LITERAL = re.compile(r"`[^`\n]+`|\$[^$]+\$")
"""Code and mathematics, which have rules of their own."""
LINES = (
    (re.compile(r"#{1,2}\s|#{4,}\s"), "is a heading: the section has its title already, and a run-in heading is ### "),
    (re.compile(r"\|.*\|"), "is a row of a table: tables are computed, place one with {{table:label}}"),
    (re.compile(r"```|~~~"), "fences code: code is not typed, place the listing with {{listing:label}}"),
    (re.compile(r"\d{1,2}[.)]\s"), "numbers an item: begin each item with “- ”"),
    (re.compile(r"\{(?!\{)|\[\s*[\"{]"), "is JSON: answer with the plain text of the section"),
    (re.compile(r">\s"), "is a Markdown quotation: write prose"),
    (re.compile(r"(?:-{3,}|={3,}|\*{3,}|_{3,})$"), "is a Markdown rule: leave it out"),
)
"""What a line may not begin with, and what to do instead."""
WORDS = (
    (re.compile(r"\*\*|__\w"), "is Markdown for bold: write *word* for emphasis"),
    (re.compile(r"!\[[^\]]*\]"), "is a Markdown image: place a figure with {{figure:label}}"),
    (re.compile(r"\]\([^)\s]*\)"), "is a Markdown link: cite a record with [@key], or write the words alone"),
    (re.compile(r"</?[A-Za-z][^<>]*>|<!--|&[a-z]+;"), "is HTML: write plain text"),
    (re.compile(r"\\(?:cite\w*|ref|eqref|autoref)\b"), "is LaTeX: cite with [@key], refer with [#label]"),
    (
        re.compile(r"\\[A-Za-z]+|\\[()\[\]%&_#]"),
        "is LaTeX outside of mathematics: put formulas between $ and $, and write all else as plain text",
    ),
    (re.compile(r"\{\{|\}\}"), "places nothing: {{kind:label}} must stand on a line of its own"),
    (
        re.compile(r"(?<!\[)\[[1-9]\d{0,2}(?:\s*[,;–-]\s*\d{1,3})*\](?!\])"),
        "is a citation by number: cite a record with [@key]",
    ),
    (
        re.compile(r"\b(?:Tables?|Figures?|Figs?\.|Listings?|Equations?|Eqs?\.)[ ~\u00a0]*\(?\d+\b(?![^.;]*\[@)"),
        "refers by number: write [#label], which prints as “Table 2”",
    ),
    (
        re.compile(r"\b(?:As an AI\b|I hope this\b|[Ll]et me know\b|[Ff]eel free to\b|as requested\b)"),
        "speaks to whoever asked: write for the reader of the paper alone",
    ),
)
"""What prose may not hold, and what to do instead."""

LONGEST_SHOWN = 60
"""Characters of a text that a fault repeats."""


class ManuscriptError(ValueError):
    """A manuscript that cannot be read; `faults` has every reason."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = tuple(faults)


def labelled(section: Section) -> dict[str, Block]:
    """Give the blocks that are computed and only placed, by their labels."""
    return {block.label: block for block in section.blocks if not isinstance(block, Paragraph | Items)}


def write(section: Section, computed: Section) -> str:
    """Write a section as a manuscript; what `computed` holds is placed, not written out."""
    known = labelled(computed)
    return "\n\n".join(_written(block, known) for block in section.blocks)


def read(text: str, computed: Section) -> Section:
    """Read a manuscript as a section titled as `computed`, whose computed blocks it places.

    A block that it leaves out follows the first text that refers to it, or else its neighbour in `computed`. Raises
    `ManuscriptError`.
    """
    wrapped = WRAPPED.fullmatch(text.strip())
    known = labelled(computed)
    faults: list[str] = []
    blocks = list(_blocks(_chunks(wrapped["inside"] if wrapped else text), known, _stem(computed), faults))
    if not any(isinstance(block, Paragraph) for block in blocks):
        faults.append("The section has no paragraph: write prose.")
    if faults:
        raise ManuscriptError(list(dict.fromkeys(faults)))
    return computed.model_copy(update={"blocks": tuple(_completed(blocks, known))})


def plain_faults(text: str) -> Iterator[str]:
    """Name what of a text is no prose with marks: Markdown, HTML, LaTeX."""
    prose = LITERAL.sub("x", text)
    for pattern, fault in WORDS:
        if found := pattern.search(prose):
            yield f"“{found.group()}” in “{_short(text)}” {fault}."


def _written(block: Block, known: dict[str, Block]) -> str:
    match block:
        case Paragraph():
            heading = f"### {block.heading}\n" if block.heading else ""
            return heading + " ".join(block.text.split())
        case Items():
            return "\n".join(f"- {' '.join(item.split())}" for item in block.items)
        case Equation() if block.label not in known:
            return f"$$\n{block.tex.strip()}\n$$"
        case _:
            return f"{{{{{block.kind}:{block.label}}}}}"


def _chunks(text: str) -> list[list[str]]:
    """Split into groups of lines: a heading, an equation, a placed block, a list, a paragraph."""
    chunks: list[list[str]] = [[]]
    inside = False
    for line in (each.strip() for each in text.splitlines()):
        if inside or line.startswith("$$"):
            chunks += [] if inside else [[]]
            chunks[-1].append(line)
            inside = not line.endswith("$$") if inside else line == "$$" or not line.endswith("$$")
            chunks += [] if inside else [[]]
        elif not line:
            chunks.append([])
        elif line.startswith("### ") or PLACED.fullmatch(line):
            chunks += [[line], []]
        elif ITEM.match(line) and not (chunks[-1] and ITEM.match(chunks[-1][0])):
            chunks.append([line])
        else:
            chunks[-1].append(line)
    return [chunk for chunk in chunks if chunk]


def _blocks(chunks: list[list[str]], known: dict[str, Block], stem: str, faults: list[str]) -> Iterator[Block]:
    """Turn groups of lines into blocks, collecting what is wrong with them."""
    heading, equations, seen = "", 0, set[str]()
    for chunk in chunks:
        first = chunk[0]
        if first.startswith("### "):
            heading = first.removeprefix("### ").strip(" *.")
            faults += plain_faults(heading)
            continue
        if heading and (PLACED.fullmatch(first) or first.startswith("$$") or ITEM.match(first)):
            faults.append(f"The run-in heading “{heading}” opens no paragraph: write one directly after it.")
        if placed := PLACED.fullmatch(first):
            yield from _placed(placed, known, seen, faults)
        elif first.startswith("$$"):
            equations += 1
            yield Equation(label=f"eq:{stem}-{equations}", tex=" ".join(chunk).strip().strip("$").strip())
        else:
            faults += _faults(chunk)
            yield _prose(chunk, heading)
        heading = ""
    if heading:
        faults.append(f"The run-in heading “{heading}” opens no paragraph: write one directly after it.")


def _placed(found: re.Match[str], known: dict[str, Block], seen: set[str], faults: list[str]) -> Iterator[Block]:
    block = known.get(found["label"])
    if block is None or (found["kind"] and found["kind"] != block.kind):
        names = ", ".join(f"{{{{{each.kind}:{label}}}}}" for label, each in known.items())
        faults.append(
            f"{found.group()} is nothing that this section can place: it has {names or 'nothing to place'}. Refer to "
            "what stands in another section with [#label]."
        )
    elif found["label"] in seen:
        faults.append(f"{found.group()} is placed twice: place it once, and refer to it with [#{found['label']}].")
    else:
        seen.add(found["label"])
        yield block


def _prose(chunk: list[str], heading: str) -> Block:
    if not ITEM.match(chunk[0]):
        return Paragraph(text=" ".join(chunk), heading=heading)
    items: list[str] = []
    for line in chunk:
        item = ITEM.match(line)
        items = [*items, item["text"]] if item else [*items[:-1], f"{items[-1]} {line}"]
    return Items(items=tuple(items))


def _faults(chunk: list[str]) -> Iterator[str]:
    for line in chunk:
        yield from (f"“{_short(line)}” {fault}." for pattern, fault in LINES if pattern.match(line))
    yield from plain_faults(" ".join(ITEM.sub(r"\g<text>", line) for line in chunk))


def _completed(blocks: list[Block], known: dict[str, Block]) -> list[Block]:
    """Put what was left out where it belongs."""
    for place, (label, block) in enumerate(known.items()):
        if block not in blocks:
            before = list(known.values())[:place]
            refers = (n for n, each in enumerate(blocks, 1) if label in _referred(each))
            follows = (n for n, each in reversed(list(enumerate(blocks, 1))) if each in before)
            at = next(refers, None) or next(follows, None) or len(blocks)
            blocks.insert(at, block)
    return blocks


def _referred(block: Block) -> frozenset[str]:
    """Give the labels that prose refers to."""
    texts = (block.text,) if isinstance(block, Paragraph) else block.items if isinstance(block, Items) else ()
    return frozenset(span.label for text in texts for span in flat(text) if isinstance(span, Reference))


def _stem(section: Section) -> str:
    """Name the equations that a writer adds."""
    return re.sub(r"[^a-z]+", "-", section.title.lower()).strip("-")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
