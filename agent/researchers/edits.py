"""Edits: changes to source files, as a language model writes them in plain text, read and applied exactly.

An edit is a file's name on a line of its own, then either a passage to replace,

    <<<<<<< SEARCH
    lines as they stand
    =======
    lines to stand there instead
    >>>>>>> REPLACE

or the whole new file between lines of three backticks.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from agent.researchers.forms import Misfit
from sandboxes.record import Record

_SEARCH: Final = re.compile(r"\s*<{5,9} ?SEARCH\s*")
_MIDDLE: Final = re.compile(r"\s*={5,9}\s*")
_END: Final = re.compile(r"\s*>{5,9} ?REPLACE\s*")
_FENCE: Final = re.compile(r"\s*`{3,}\w*\s*")
_NAME: Final = re.compile(r"[#*`\s]*(?:[Ff]ile:\s*)?`?([\w][\w./-]*\.\w+)[*`:\s]*")
_GIVE_UP: Final = re.compile(r"^[*`\s]*GIVE UP\b:?[*`]*(.*)", re.DOTALL | re.MULTILINE)
_ELIDED: Final = re.compile(r"#\s*(?:\.\.\.|…)|#.*\b(?:rest|existing|remaining|unchanged)\b.*(?:\.\.\.|…)\W*$")
_LONGEST_NOTE: Final = 300
_SHOWN: Final = 12
"""Lines of a file that are shown where a passage was looked for."""


class Edit(Record):
    """A passage of a file to replace, or the whole file when `search` is None."""

    file: str
    search: str | None
    replace: str


class Answer(Record):
    """What a language model said about the code."""

    edits: tuple[Edit, ...] = ()
    note: str = ""
    """Its own words for the change."""
    given_up: str = ""
    """Why it gives up; empty when it does not."""


def read(text: str, names: Sequence[str]) -> Answer:
    """Read an answer; a block that names no file belongs to the file named before it, or to the only one of `names`.

    Raises `Misfit` for one that neither edits nor gives up, and for a block that is not whole.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    edits: list[Edit] = []
    words: list[str] = []
    name, at = names[0] if len(names) == 1 else "", 0
    while at < len(lines):
        line = lines[at]
        if _SEARCH.fullmatch(line):
            middle = _place(lines, _MIDDLE, at + 1, "=======")
            end = _place(lines, _END, middle + 1, ">>>>>>> REPLACE")
            edits.append(_edit(name, "\n".join(lines[at + 1 : middle]), "\n".join(lines[middle + 1 : end])))
            at = end
        elif _FENCE.fullmatch(line) and _opens_a_file(lines, at):
            end = _place(lines, re.compile(r"\s*`{3,}\s*"), at + 1, "```")
            edits.append(_edit(name, None, "\n".join(lines[at + 1 : end]) + "\n"))
            at = end
        elif found := _NAME.fullmatch(line):
            name = found[1]
        elif line.strip() and not edits and not _FENCE.fullmatch(line):
            words.append(line.strip())
        at += 1
    if not edits and len(names) == 1 and (whole := _module(text)):
        return Answer(edits=(Edit(file=names[0], search=None, replace=whole),), note=_shortened(" ".join(words)))
    if not edits and (found := _GIVE_UP.search(text)):
        return Answer(given_up=_shortened(found[1]) or "The author of the code gave no reason.")
    if not edits:
        raise Misfit(
            "There is no edit in that answer. Give a file's name on a line of its own, then blocks of "
            "'<<<<<<< SEARCH', '=======' and '>>>>>>> REPLACE', or write 'GIVE UP: ' and the reason."
        )
    return Answer(edits=tuple(edits), note=_shortened(" ".join(words)))


def apply(texts: Mapping[str, str], edits: Sequence[Edit]) -> dict[str, str]:
    """Make the edits one after the other; raises `Misfit` for the first that cannot be made."""
    changed = dict(texts)
    for number, edit in enumerate(edits, start=1):
        if edit.file not in changed:
            raise Misfit(f"Edit {number}: {edit.file} may not be changed; editable is {', '.join(texts)}.")
        if left_out := _left_out(edit.replace, changed[edit.file]):
            raise Misfit(
                f"Edit {number}: “{left_out}” leaves code of {edit.file} out. Write all lines of a block or of a file; "
                f"lines that stay need no block."
            )
        changed[edit.file] = edit.replace if edit.search is None else _replaced(changed[edit.file], edit, number)
    return changed


def _module(text: str) -> str:
    """Give the one fenced text that is a whole program, where an answer has no more of them."""
    fences = re.findall(r"^```\w*[ \t]*\n(.*?)^```", text.replace("\r\n", "\n"), re.DOTALL | re.MULTILINE)
    return fences[0] if len(fences) == 1 and "__main__" in fences[0] else ""


def _left_out(new: str, now: str) -> str:
    """Find a comment that stands for lines that are not there."""
    stands = {line.strip() for line in now.splitlines()}
    lines = (line.strip() for line in new.splitlines())
    return next((line for line in lines if _ELIDED.match(line) and line not in stands), "")


def _edit(name: str, search: str | None, replace: str) -> Edit:
    if not name:
        raise Misfit("A block has no file: write the name of the file on the line before '<<<<<<< SEARCH'.")
    if search is not None and not search.strip():
        raise Misfit(f"A block for {name} has nothing to search for: quote the lines that the new ones go next to.")
    return Edit(file=name, search=search, replace=replace)


def _opens_a_file(lines: Sequence[str], at: int) -> bool:
    """Say whether the fence at `at` holds a whole file: a name stands before it, and no edit block inside."""
    before = next((line for line in reversed(lines[:at]) if line.strip()), "")
    after = next((line for line in lines[at + 1 :] if line.strip()), "")
    inside_names_it = bool(_SEARCH.fullmatch(after) or _NAME.fullmatch(after))
    return bool(_NAME.fullmatch(before)) and not inside_names_it


def _place(lines: Sequence[str], mark: re.Pattern[str], start: int, spelled: str) -> int:
    for at in range(start, len(lines)):
        if mark.fullmatch(lines[at]):
            return at
    raise Misfit(f"The block that begins at line {start} of that answer has no line '{spelled}' after it.")


def _replaced(text: str, edit: Edit, number: int) -> str:
    """Replace the one place where the passage stands, its line endings kept."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines, wanted = text.replace("\r\n", "\n").split("\n"), (edit.search or "").split("\n")
    places = [at for at in range(len(lines)) if lines[at : at + len(wanted)] == wanted]
    new = edit.replace.split("\n") if edit.replace else []
    if not places:
        alike = {at: _columns(lines[at:], wanted) for at in _alike(lines, wanted)}
        places = [at for at, columns in alike.items() if _fits(new, columns)]
        new = _shifted(new, alike[places[0]]) if len(places) == 1 else new
    if len(places) != 1:
        raise Misfit(_unplaced(lines, wanted, places, edit.file, number))
    return newline.join([*lines[: places[0]], *new, *lines[places[0] + len(wanted) :]])


def _alike(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Find where the passage stands but for trailing spaces and one indentation of the whole."""
    return [
        at
        for at in range(len(lines) - len(wanted) + 1)
        if all(line.strip() == want.strip() for line, want in zip(lines[at:], wanted, strict=False))
        and len(set(_shifts(lines[at:], wanted))) == 1
    ]


def _columns(lines: Sequence[str], wanted: Sequence[str]) -> int:
    """Give by how many columns the lines are indented further than those wanted."""
    return next(_shifts(lines, wanted))


def _shifts(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[int]:
    return (_indent(line) - _indent(want) for line, want in zip(lines, wanted, strict=False) if want.strip())


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _fits(lines: Sequence[str], columns: int) -> bool:
    """Say whether lines can be moved so far to the left that none loses its place among the others."""
    return all(_indent(line) + columns >= 0 for line in lines if line.strip())


def _shifted(lines: Sequence[str], columns: int) -> list[str]:
    return [line if not line.strip() else " " * (_indent(line) + columns) + line.lstrip() for line in lines]


def _unplaced(lines: Sequence[str], wanted: Sequence[str], places: Sequence[int], file: str, number: int) -> str:
    if places:
        where = ", ".join(str(at + 1) for at in places[:_SHOWN])
        return (
            f"Edit {number}: the SEARCH passage stands {len(places)} times in {file}, at lines {where}. "
            f"Quote more lines around it, so that it stands once."
        )
    at = max(range(len(lines)), key=lambda at: (_likeness(lines[at : at + len(wanted)], wanted), -at))
    near = "\n".join(lines[at : at + min(len(wanted), _SHOWN)])
    return (
        f"Edit {number}: the SEARCH passage does not stand in {file}. Nearest are lines {at + 1} and on:\n{near}\n"
        f"Quote the lines exactly as they stand."
    )


def _likeness(lines: Sequence[str], wanted: Sequence[str]) -> float:
    return sum(_ratios(lines, wanted))


def _ratios(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[float]:
    for line, want in zip(lines, wanted[:_SHOWN], strict=False):
        same = difflib.SequenceMatcher(None, line.strip(), want.strip(), autojunk=False)
        yield same.ratio() if want.strip() and same.real_quick_ratio() > 0.5 else 0.0  # noqa: PLR2004 (less is unlike)


def _shortened(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_NOTE]
