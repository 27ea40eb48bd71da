"""The source of a template: its settings, and the text of a variant."""

from __future__ import annotations

import ast
import difflib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from templates import folder as folders
from templates import setting, space
from templates.idea import Change
from templates.space import Knob, Value
from templates.template import Template

_LARGEST: Final = 1_000_000
"""Bytes of one editable file; more is no source that anybody reads."""


class SourceError(ValueError):
    """A change that the source cannot take; the message says which, and what stands there."""


def settings(template: Template, files: Mapping[str, str] | None = None) -> dict[str, Value]:
    """Read the value of every knob from the source, `files` standing for the unchanged ones of their names.

    Raises `SourceError` for a knob whose value stands nowhere, or not as a literal.
    """
    texts = {**editable(template), **(files or {})}
    return {knob.name: _stand(texts, knob)[1].value for knob in template.knobs}


def editable(template: Template) -> dict[str, str]:
    """Read the files that a researcher may change, unchanged."""
    return {name: _text(template.folder / name) for name in template.editable}


def apply(template: Template, changes: Sequence[Change]) -> dict[str, str]:
    """Turn knobs in the unchanged source; returns every editable file by name.

    Only the values are rewritten: formatting and comments stay. Raises `SourceError` for a knob the template does not
    have, a `before` that is not what the source says, and an `after` that the knob does not allow.
    """
    texts = editable(template)
    for change in changes:
        knob = _knob(template, change.knob)
        name, stand = _stand(texts, knob)
        _check(knob, change, stand.value, name)
        texts[name] = setting.replace(texts[name], stand, knob, change.after)
    return texts


def diff(template: Template, files: Mapping[str, str]) -> str:
    """Show how `files` differ from the unchanged source, as a unified diff."""
    return "".join(_file_diff(name, text, files.get(name, text)) for name, text in sorted(editable(template).items()))


def faults(template: Template, files: Mapping[str, str]) -> tuple[str, ...]:
    """Say why `files` cannot be a variant; empty when they can."""
    return tuple(fault for name, text in sorted(files.items()) if (fault := _fault(template, name, text)) is not None)


def write(template: Template, files: Mapping[str, str], folder: Path) -> None:
    """Write a variant's code: `files`, the other editable ones unchanged, and the frozen modules they may import.

    The folder appears whole or not at all; one that is there with other contents is set aside. Raises `SourceError`
    for files that cannot be a variant.
    """
    if wrong := faults(template, files):
        raise SourceError(f"These files are no variant of the template {template.name}:\n" + "\n".join(wrong))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        whole = Path(temporary) / "code"
        _fill(whole, {**_frozen(template), **editable(template), **files})
        if not folder.exists():
            whole.rename(folder)
        elif digest(folder) != digest(whole):
            folders.set_aside(folder, "replaced")
            whole.rename(folder)


def digest(folder: Path) -> str:
    """Hash a variant's code folder: the editable files and the frozen modules beside them."""
    return folders.digest(folder)


def _knob(template: Template, name: str) -> Knob:
    found = next((knob for knob in template.knobs if knob.name == name), None)
    if found is None:
        known = ", ".join(knob.name for knob in template.knobs)
        raise SourceError(f"The template {template.name} has no knob {name!r}: turn one of {known}.")
    return found


def _stand(texts: Mapping[str, str], knob: Knob) -> tuple[str, setting.Setting]:
    for name, text in texts.items():
        if name.endswith(".py") and (found := setting.find(text, knob)) is not None:
            return name, found
    raise SourceError(f"No value of the knob {knob.name!r} stands in {', '.join(texts)}: load the template anew.")


def _check(knob: Knob, change: Change, stands: Value, name: str) -> None:
    if not _equal(knob, change.before, stands):
        raise SourceError(
            f"The knob {knob.name!r} is {stands!r} in {name}, not {change.before!r} as the change says: "
            f"state each change once, against the unchanged template."
        )
    if (wrong := space.fault(knob, change.after)) is not None:
        raise SourceError(f"The knob {knob.name!r} cannot be turned: {wrong}.")


def _equal(knob: Knob, one: Value, other: Value) -> bool:
    return one == other or (space.fault(knob, one) is None and space.difference(knob, one, other) == 0)


def _file_diff(name: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _fault(template: Template, name: str, text: str) -> str | None:
    if name not in template.editable:
        return f"{name}: may not be changed; editable is {', '.join(template.editable)}."
    if (size := len(text.encode(errors="replace"))) > _LARGEST:
        return f"{name}: has {size:,} bytes, more than {_LARGEST:,}; make it smaller."
    return _syntax_fault(name, text) if name.endswith(".py") else None


def _syntax_fault(name: str, text: str) -> str | None:
    try:
        ast.parse(text)
    except SyntaxError as error:
        place = f"{name}: line {error.lineno}" if error.lineno else name
        return f"{place}: does not parse: {error.msg}."
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{name}: does not parse: {error}."
    return None


def _frozen(template: Template) -> dict[str, str]:
    """Read the modules that the method may import; the scorer and the plot are none of them."""
    away = {template.score, template.plot, *template.editable}
    names: Iterator[str] = (name for name in folders.plain_files(template.folder) if name.endswith(".py"))
    return {name: _text(template.folder / name) for name in names if name not in away}


def _text(path: Path) -> str:
    """Read without translating line endings, so that they survive."""
    return path.read_bytes().decode()


def _fill(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
