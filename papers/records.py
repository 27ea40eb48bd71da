"""The records of a bibliography, as far as prose speaks of them."""

from __future__ import annotations

import unicodedata

from papers import bibliography, characters
from sandboxes.record import Record

MARKS = {tex: mark for mark, tex in characters.ACCENTS.items()}


class Source(Record):
    """One record."""

    key: str
    title: str
    year: int | None


def records(bibtex: str) -> tuple[Source, ...]:
    """Read each BibTeX record that is complete enough to be cited; titles lose their braces and keep their accents."""
    return tuple(
        Source(key=entry.key, title=_readable(entry.fields.get("title", "")), year=bibliography.year(entry))
        for entry in bibliography.read(bibtex)
        if not bibliography.lacks(entry)
    )


def _readable(title: str) -> str:
    accented = bibliography.ACCENT.sub(
        lambda match: unicodedata.normalize("NFC", (match[2] or match[3]) + MARKS.get(match[1], "")), title
    )
    return " ".join(accented.replace("{", "").replace("}", "").split())
