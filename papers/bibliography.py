"""A bibliography: BibTeX records read as data, and written again so that TeX finds nothing in them to obey."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from papers import characters, mathematics
from sandboxes.record import Record

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.+/-]*")
BRACES = {"{": r"\ensuremath{\lbrace}", "}": r"\ensuremath{\rbrace}"}
"""Without a brace of their own, since BibTeX counts each one, whatever stands before it."""
KINDS = frozenset((
    "article", "book", "booklet", "inbook", "incollection", "inproceedings", "manual", "mastersthesis", "misc",
    "phdthesis", "proceedings", "techreport", "unpublished",
))  # fmt: skip
PRINTED = (
    "author", "editor", "title", "booktitle", "journal", "series", "volume", "number", "pages", "publisher", "school",
    "institution", "organization", "edition", "address", "month", "year", "howpublished", "note",
)  # fmt: skip
NEEDED = ("author", "title", "year")
LONGEST = 2_000
"""Characters of a field that are printed; a longer one is a fault."""

MOST_PARTS = 3
"""Of a name: family, suffix, given."""
LONGEST_NAME = 110
"""Characters of a name's TeX."""

ACCENT = re.compile(r"\\([`'^\"~=.]|[uvHtcdbrk](?![A-Za-z]))\s*(?:\{\s*\\?([A-Za-z])\s*\}|\\?([A-Za-z]))")
TOKEN = re.compile(r"\\(?P<word>[A-Za-z]+)\s?|\\(?P<symbol>.)|\$(?P<math>[^$]+)\$|(?P<other>.)", re.DOTALL)
LETTER = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å",
    "AA": "Å", "i": "ı", "j": "j", "dj": "đ", "DJ": "Đ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ",
    "textendash": "–", "textemdash": "—", "ldots": "…", "dots": "…",
}  # fmt: skip
SILENT = frozenset((
    "emph", "textit", "textbf", "textsc", "texttt", "textrm", "textsf", "mbox", "it", "em", "bf", "sc", "tt", "rm",
    "url", "relax", "noopsort",
))  # fmt: skip
"""Shape and nothing else: left out, their argument stays."""


class Entry(Record):
    """One record; the fields are as they were written, TeX and all."""

    key: str
    kind: str
    fields: dict[str, str]


def read(bibtex: str) -> tuple[Entry, ...]:
    """Read all records in order, the first of a key; comments, preambles and what is not BibTeX are passed over."""
    from bibtexparser.entrypoint import parse_string

    entries: dict[str, Entry] = {}
    for found in parse_string(bibtex).entries:
        fields = {field.key.lower(): " ".join(str(field.value).split()) for field in reversed(found.fields)}
        entries.setdefault(found.key.lower(), Entry(key=found.key, kind=found.entry_type.lower(), fields=fields))
    return tuple(entries.values())


def write(entries: Iterable[Entry]) -> str:
    """Write records as BibTeX whose every field only prints."""
    return "\n".join(map(_record, (entry for entry in entries if KEY.fullmatch(entry.key))))


def lacks(entry: Entry) -> tuple[str, ...]:
    """Name what a record must have to be cited, and has not."""
    spells = [] if KEY.fullmatch(entry.key) else ["a key of letters, digits and :_.+/- only"]
    return (*(name for name in NEEDED if not _has(entry, name)), *spells)


def oddities(entry: Entry) -> tuple[str, ...]:
    """Name what a record holds that cannot be printed as it was meant."""
    return tuple(odd for name in PRINTED if name in entry.fields for odd in _strange(name, entry.fields[name]))


def year(entry: Entry) -> int | None:
    """Give the year that a record states."""
    found = re.search(r"\d{4}", entry.fields.get("year", entry.fields.get("date", "")))
    return int(found.group()) if found else None


def _has(entry: Entry, name: str) -> bool:
    stands_in = {"author": "editor", "year": "date"}.get(name, name)
    return bool(re.sub(r"[\s{}]", "", entry.fields.get(name, entry.fields.get(stands_in, ""))))


def _record(entry: Entry) -> str:
    fields = {name: _safe(entry.fields[name][:LONGEST]) for name in PRINTED if entry.fields.get(name)}
    fields |= {name: _names(fields[name]) for name in ("author", "editor") if name in fields}
    number = year(entry)
    if number is not None:
        fields["year"] = str(number)
    fields.update(_identifiers(entry))
    kind = entry.kind if entry.kind in KINDS else "misc"
    return "\n".join([f"@{kind}{{{entry.key},", *(f"  {name} = {{{text}}}," for name, text in fields.items()), "}\n"])


def _names(text: str) -> str:
    """Keep to what BibTeX takes for names: few commas, and short enough for its labels of 250 characters."""
    return " and ".join(_name(name.strip()) for name in _apart(text, " and ") if name.strip())


def _name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        letters = re.sub(r"\\[A-Za-z]+|[^A-Za-z0-9 .'-]", "", name)
        return f"{{{letters[:LONGEST_NAME]}}}"
    return f"{{{name}}}" if len(list(_apart(name, ","))) > MOST_PARTS else name


def _apart(text: str, mark: str) -> Iterator[str]:
    """Split at a mark outside of braces."""
    depth, start = 0, 0
    for place, c in enumerate(text):
        depth += {"{": 1, "}": -1}.get(c, 0)
        if depth == 0 and text.startswith(mark, place):
            yield text[start:place]
            start = place + len(mark)
    yield text[start:]


def _identifiers(entry: Entry) -> dict[str, str]:
    """Give the DOI, else the web address, and the arXiv number of what appeared nowhere else."""
    found: dict[str, str] = {}
    doi = re.search(r"10\.\d{4,9}/[A-Za-z0-9._;()/:+-]+", entry.fields.get("doi", ""))
    url = re.fullmatch(
        r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~:/?@!$&'()*+,;=-]*)?", entry.fields.get("url", "")
    )
    arxiv = re.search(r"\d{4}\.\d{4,5}|[a-z-]+/\d{7}", entry.fields.get("eprint", ""))
    if doi:
        found["doi"] = doi.group()
    elif url:
        found["url"] = url.group().replace("$", "%24")
    if arxiv and not {"journal", "booktitle"} & entry.fields.keys():
        found["journal" if entry.kind == "article" else "howpublished"] = f"arXiv preprint arXiv:{arxiv.group()}"
    return found


def _plain(value: str) -> str:
    """Replace TeX accents by the letters they make."""
    accents = {tex: mark for mark, tex in characters.ACCENTS.items()}

    def letter(match: re.Match[str]) -> str:
        base = match[2] or match[3]
        return unicodedata.normalize("NFC", base + accents[match[1]]) if match[1] in accents else base

    return ACCENT.sub(letter, value)


def _safe(value: str) -> str:
    """Write a field: letters, checked mathematics and balanced braces; any other TeX shows as text."""
    plain = _plain(value)
    balanced = _balanced(plain)
    return "".join(_printed(token, balanced=balanced) for token in TOKEN.finditer(plain))


def _printed(token: re.Match[str], *, balanced: bool) -> str:
    word, symbol, math, other = token.group("word", "symbol", "math", "other")
    if word:
        return "" if word in SILENT else "".join(map(_wrapped, LETTER.get(word, f"\\{word} ")))
    if symbol:
        return {"-": "", "/": "", ",": "\\,"}.get(symbol) or "".join(map(_wrapped, symbol.strip("-/") or " "))
    if math:
        tex = mathematics.inline(math)
        return "{{" + re.sub(r"\\([{}])", lambda brace: BRACES[brace[1]], tex) + "}}"
    if other in "{}":
        return other if balanced else ""
    return "~" if other == "~" else _wrapped(other)


def _wrapped(c: str) -> str:
    """Give the TeX of a character in braces of its own where it is a command, or BibTeX would change its case."""
    tex = BRACES.get(c) or characters.character(c)
    return f"{{{tex}}}" if tex.startswith("\\") else tex.replace('"', "''")


def _balanced(text: str) -> bool:
    depth = 0
    for token in TOKEN.finditer(text):
        depth += {"{": 1, "}": -1}.get(token["other"] or "", 0)
        if depth < 0:
            return False
    return depth == 0


def _strange(name: str, value: str) -> list[str]:
    """Name what of a field cannot be printed as it was meant."""
    plain = _plain(value)
    found = [f"its {name} has {fault}" for fault in characters.faults(plain)]
    if len(value) > LONGEST:
        found.append(f"its {name} has {len(value)} characters, more than {LONGEST}")
    for token in TOKEN.finditer(plain):
        if token["word"] and token["word"] not in SILENT and token["word"] not in LETTER:
            found.append(f"its {name} has the TeX command \\{token['word']}")
        if token["math"]:
            found += [
                f"its {name} has a formula that cannot be printed: {f}"
                for f in mathematics.formula(token["math"]).faults
            ]
    return found
