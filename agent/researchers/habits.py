"""Habits: what language models write in the place of a manuscript's marks, put as the marks that it means.

Only what can mean one thing is put right: a heading that is the section's title, bold, LaTeX's own commands for
citing, referring and emphasis, a fact in the wrong brackets. `papers.manuscript` names the rest to its author.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial

from papers.manuscript import LITERAL, WRAPPED

WORD = r"(?:Tables?|Figures?|Figs?\.?|Listings?|Equations?|Eqs?\.?)"
LABEL = r"[A-Za-z0-9][A-Za-z0-9:_.-]*"
NUMBERED = r"(?:\d+(?:\.\d+)*[.:)]?\s+)?"
GREETING = re.compile(r"(?:Here(?: is|['’]s)|Below is|Sure|Certainly|Of course)\b[^\n]*:")
HEADING = re.compile(rf"#{{1,6}}\s+{NUMBERED}(?P<hash>.+?)\s*#*|\\(?:sub)*(?:section|paragraph)\*?\{{(?P<tex>.+)\}}")
BOLD_LINE = re.compile(r"(?:\*\*|__)(?P<bold>[^*_]+?)[.:]?(?:\*\*|__)[.:]?")
RULE = re.compile(r"-{3,}|={3,}|\*{3,}|_{3,}")
PLACED = re.compile(r"[`*]*(\{\{[^{}]+\}\})[`*]*[.]?")
LISTED = re.compile(r"\\(?:begin|end)\{(?:itemize|enumerate)\}(?:\[[^\]]*\])?")
ITEM = re.compile(r"^\\item\s+")
NUMBER = re.compile(r"^\d{1,2}[.)]\s+(?=\S)")
DISPLAYED = re.compile(
    r"\\\[\s*(?P<bracketed>.+?)\s*\\\]"
    r"|\\begin\{equation\*?\}\s*(?:\\label\{[^{}]*\}\s*)?(?P<alone>.+?)\s*\\end\{equation\*?\}"
    r"|\\begin\{align\*?\}\s*(?P<aligned>.+?)\s*\\end\{align\*?\}",
    re.DOTALL,
)
INLINE = re.compile(r"\\\(\s*(.+?)\s*\\\)")
MEASURED = re.compile(r"\$([^$\[\]=<>]+?)\s*([=<>])\s*(\[\[[^\[\]]+\]\])\s*\$")
"""A fact in a formula, where it would not be read."""
CODED = re.compile(r"`(\[\[[^\[\]`]+\]\]|\[[@#][^\[\]`]+\])`")
BRACED = re.compile(
    r"\{\{\s*([A-Za-z0-9_.+-]+)\s*(:[^{}\s]*)?\s*\}\}|(?<!\[)\[([a-z][A-Za-z0-9_+-]*(?:\.[A-Za-z0-9_+-]+)+)(:[^\[\]\s]*)?\](?![\](])"
)
INNER = (
    (re.compile(r"\[\[\s*([@#][^\[\]]+?)\s*\]\]"), r"[\1]"),
    (re.compile(r"\[\[\s+([^\[\]]+?)\s*\]\]|\[\[([^\[\]]+?)\s+\]\]"), r"[[\1\2]]"),
    (re.compile(rf"(?:{WORD}[~ ]*)?\\(?:eq|auto|[cC])?ref\{{({LABEL})\}}"), r"[#\1]"),
    (re.compile(rf"{WORD}[~ \u00a0]+(?=\[#)"), ""),
    (re.compile(r"\\(?:textbf|textit|emph|textsl)\{([^{}]*)\}"), r"*\1*"),
    (re.compile(r"\*\*(?=\S)([^*]+?)(?<=\S)\*\*"), r"*\1*"),
    (re.compile(r"\\texttt\{([^{}`]*)\}"), r"`\1`"),
    (re.compile(r"``([^`']+)''"), r"“\1”"),
    (re.compile(r"\\([%&_#])"), r"\1"),
    (re.compile(r"(?<=[\w\])])~(?=[\w\[])"), " "),
)  # fmt: skip
CITED = re.compile(r"\s*~?\\cite[a-z]*\*?\{([^{}]+)\}")
SEVERAL = re.compile(r"\[(@[^\[\]]*,[^\[\]]*)\]")


def section(text: str, title: str, facts: Collection[str]) -> str:
    """Put a section as it was meant."""
    wrapped = WRAPPED.fullmatch(text.strip())
    body = INLINE.sub(r"$\1$", DISPLAYED.sub(_displayed, wrapped["inside"] if wrapped else text))
    lines = [_line(line.strip(), title) for line in body.strip().splitlines()]
    while lines and (not lines[0] or GREETING.fullmatch(lines[0]) or _is(lines[0].removeprefix("### "), title)):
        del lines[0]
    return prose("\n".join(lines), facts)


def prose(text: str, facts: Collection[str]) -> str:
    """Put the marks of a text as they were meant; code and formulas stay."""
    text = CODED.sub(r"\1", MEASURED.sub(r"$\1$ \2 \3", text))
    parts, at = [], 0
    for literal in LITERAL.finditer(text):
        parts += [_marked(text[at : literal.start()], facts), literal.group()]
        at = literal.end()
    return "".join([*parts, _marked(text[at:], facts)])


def paragraph(text: str, facts: Collection[str]) -> str:
    """Put an abstract, or a title, as it was meant: on one line, without a heading's or a quotation's dress."""
    joined = " ".join(text.split())
    bare = re.sub(r"^(?:#+\s+|\**(?:Title|Abstract)\**\s*[:.]\**\s+)", "", joined)
    whole = re.fullmatch(r"[\"“*]+([^\"“”*]+)[\"”*]+", bare)
    return prose(whole[1] if whole else bare, facts)


def key(text: str) -> str:
    """Take a fact's key out of its mark."""
    return re.sub(r":[^:]*$", "", text.strip().strip("`[]").strip()) if "[" in text else text.strip().strip("`")


def _displayed(found: re.Match[str]) -> str:
    tex = found["bracketed"] or found["alone"] or f"\\begin{{aligned}}{found['aligned']}\\end{{aligned}}"
    return f"\n\n$$\n{tex}\n$$\n\n"


def _line(line: str, title: str) -> str:
    if RULE.fullmatch(line) or LISTED.fullmatch(line):
        return ""
    if placed := PLACED.fullmatch(line):
        return placed[1]
    if found := HEADING.fullmatch(line) or BOLD_LINE.fullmatch(line):
        said = found.groupdict().get("hash") or found.groupdict().get("tex") or found.groupdict().get("bold") or ""
        return f"### {said.strip(' *_')}"
    return line if _is(line, title) else NUMBER.sub("- ", ITEM.sub("- ", line, count=1), count=1)


def _is(line: str, title: str) -> bool:
    return re.sub(NUMBERED, "", line.strip(" *_#:"), count=1).casefold() == title.casefold()


def _marked(text: str, facts: Collection[str]) -> str:
    text = CITED.sub(_cited, text)
    for pattern, mark in INNER:
        text = pattern.sub(mark, text)
    text = SEVERAL.sub(_several, text)
    return BRACED.sub(partial(_named, facts=facts), text)


def _cited(found: re.Match[str]) -> str:
    return " [" + "; ".join(f"@{each.strip()}" for each in found[1].split(",")) + "]"


def _several(found: re.Match[str]) -> str:
    return f"[{'; '.join(each.strip() for each in found[1].split(','))}]"


def _named(found: re.Match[str], facts: Collection[str]) -> str:
    name, form = (found[1], found[2]) if found[1] else (found[3], found[4])
    return f"[[{name}{form or ''}]]" if name in facts else found.group()
