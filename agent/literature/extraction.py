"""Reads one PDF in a process of its own, which may be killed for it: run as a script, it imports nothing of Ratchet.

Prints, as JSON, the document's title, authors and date of creation as its metadata give them, and its pages' text.
"""

from __future__ import annotations

import json
import resource
import sys

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 30
OUTPUT_BYTES = 8 << 20
PAGES = 40
CHARACTERS = 300_000


def main(path: str) -> None:
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    from pypdf import PdfReader

    reader = PdfReader(path)
    about: dict[str, object] = dict(reader.metadata or {})
    pages: list[str] = []
    for page in reader.pages[:PAGES]:
        pages.append(page.extract_text())
        if sum(map(len, pages)) > CHARACTERS:
            break
    read = {name: str(about.get(f"/{name}", ""))[:2000] for name in ("Title", "Author", "CreationDate")}
    sys.stdout.write(json.dumps({**{name.lower(): text for name, text in read.items()}, "pages": pages}))


if __name__ == "__main__":
    main(sys.argv[1])
