"""Wording: text from outside, made plain."""

from __future__ import annotations

import html
import re
import unicodedata

LETTERS = str.maketrans({
    "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "đ": "d", "Đ": "D",
    "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i",
})  # fmt: skip
"""Letters that no accent can be taken off."""
HEADING = re.compile(r"<(?:jats:)?title\b[^<>]*>\s*(?:abstract|summary)\s*</(?:jats:)?title>", re.IGNORECASE)
MARKUP = re.compile(
    r"</?(?:[a-z]+:[a-z-]+|p|i|b|em|strong|sub|sup|sec|title|italic|bold|sc|scp|span|div|br|h[1-6]|ul|ol|li|u|tt"
    r"|inline-formula|tex-math)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
"""JATS and HTML, by name: a `<` in a formula is no markup."""
HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))


def plain(text: str | None, longest: int) -> str:
    """Give foreign text on one line, without markup and invisible characters, at most `longest` characters of it."""
    shown = (text or "")[: 8 * longest]
    for _ in range(2):  # markup is often escaped once more
        shown = html.unescape(MARKUP.sub(" ", HEADING.sub(" ", shown)))
    visible = "".join(c if unicodedata.category(c) not in HIDDEN else " " * c.isspace() for c in shown)
    return unicodedata.normalize("NFC", " ".join(visible.split()))[:longest].rstrip()


def folded(text: str) -> str:
    """Give the words of a text in lower case without accents, for comparing."""
    base = unicodedata.normalize("NFKD", text.translate(LETTERS))
    return " ".join(re.findall(r"\w+", "".join(c for c in base if not unicodedata.combining(c)).lower()))


def family(author: str) -> str:
    """Give the family name of `Family, Given` or `Given Family`, folded to its last word."""
    bare = re.sub(r"\([^)]*\)", " ", author)
    words = folded(bare.split(",", maxsplit=1)[0] or author).split()
    return words[-1] if words else ""
