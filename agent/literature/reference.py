"""References: BibTeX entries read as publications, and publications written as BibTeX entries."""

from __future__ import annotations

import re
import unicodedata

from agent.literature.publication import Publication
from agent.literature.record import record
from papers import bibliography
from papers.bibliography import ACCENT, LETTER, SILENT, Entry
from papers.records import MARKS

VENUE = ("journal", "booktitle", "school", "institution", "publisher", "howpublished")
COMMAND = re.compile(r"\\([A-Za-z]+)\s*")
MOST_NAMED = 25
"""Authors of one entry; the others are `others`."""
PLACE = {
    "article": "journal",
    "inproceedings": "booktitle",
    "incollection": "booktitle",
    "phdthesis": "school",
    "techreport": "institution",
    "book": "publisher",
}
"""The field that says where a work appeared, by type of entry."""


def publications(bibtex: str) -> tuple[Publication, ...]:
    """Read the entries of a bibliography; those without a title are left out, the others keep their keys."""
    return tuple(filter(None, map(publication, bibliography.read(bibtex))))


def publication(entry: Entry) -> Publication | None:
    """Read one entry as a record of the library."""
    fields = {name: readable(text) for name, text in entry.fields.items()}
    names = re.split(r"\s+and\s+", fields.get("author") or fields.get("editor", ""))
    read = record(
        "library",
        entry.key,
        title=fields.get("title"),
        authors=names,
        year=bibliography.year(entry),
        venue=next((fields[name] for name in VENUE if fields.get(name)), ""),
        abstract=fields.get("abstract", ""),
        doi=entry.fields.get("doi"),
        arxiv=entry.fields.get("eprint"),
        url=entry.fields.get("url"),
        kind=entry.kind,
    )
    return read.model_copy(update={"key": entry.key}) if read else None


def entry(publication: Publication) -> Entry:
    """Write a record as a BibTeX entry: plain text still, which `papers.bibliography.write` makes harmless.

    What the record lacks, the entry lacks: `papers.bibliography.lacks` says whether it can be cited.
    """
    kind = publication.kind if publication.kind in bibliography.KINDS else "misc"
    fields = {
        "author": authors(publication),
        "title": f"{{{publication.title}}}" if publication.title else "",
        "year": str(publication.year or ""),
        PLACE.get(kind, "howpublished"): publication.venue,
        "doi": publication.doi,
        "eprint": "" if publication.venue else publication.arxiv,
        "url": publication.url,
    }
    return Entry(key=publication.key, kind=kind, fields={name: text for name, text in fields.items() if text})


def authors(publication: Publication) -> str:
    named = [name(each) for each in publication.authors[:MOST_NAMED]]
    more = ["others"] if len(publication.authors) > MOST_NAMED else []
    return " and ".join([*filter(None, named), *more])


def name(author: str) -> str:
    """Write a name so that BibTeX takes it for one."""
    plain = re.sub(r"[{}\\]", "", author).strip()
    return f"{{{plain}}}" if re.search(r"\band\b", plain) else plain


def readable(text: str) -> str:
    """Give the letters that a field's TeX prints."""
    accented = ACCENT.sub(
        lambda match: unicodedata.normalize("NFC", (match[2] or match[3]) + MARKS.get(match[1], "")), text
    )
    commands = COMMAND.sub(lambda match: "" if match[1] in SILENT else LETTER.get(match[1], f"{match[1]} "), accented)
    return " ".join(re.sub(r"\\([&%#_$])", r"\1", commands).replace("{", "").replace("}", "").split())
