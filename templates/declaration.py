"""What a template's files declare, held against each other: every fault at once, none of the code run."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from templates import setting, space
from templates.folder import plain_files
from templates.space import ExpressionKnob, FloatKnob, IntKnob, Knob

TEMPLATE, IDEAS, BIBLIOGRAPHY, README = "template.toml", "ideas.toml", "references.bib", "README.md"

_ROLES: Final = {"entry": "experiment.py", "score": "harness.py", "plot": "plot.py"}
_KNOB: Final[TypeAdapter[Knob]] = TypeAdapter(Knob)
_ENTRY: Final = re.compile(r"^\s*@(?!comment|string|preamble)\w+\s*\{\s*([^\s,{}]+)\s*,", re.IGNORECASE | re.MULTILINE)
_CITATION: Final = re.compile(r"@([A-Za-z0-9_:.-]*[A-Za-z0-9])")


class Fault(NamedTuple):
    """One thing to mend before the template can be used."""

    file: str
    key: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


def read(path: Path) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """Read a TOML file; what cannot be read is empty, with the fault."""
    try:
        return tomllib.loads(path.read_text()), ()
    except FileNotFoundError:
        return {}, (Fault(path.name, "", f"there is no such file in {path.parent}", "add it"),)
    except UnicodeDecodeError as error:
        return {}, (Fault(path.name, "", f"is not UTF-8 at byte {error.start}", "save it as UTF-8"),)
    except tomllib.TOMLDecodeError as error:
        return {}, (Fault(path.name, "", f"is not TOML: {error}", "mend that line"),)


def shape_fault(file: str, error: ErrorDetails, known: Iterable[str]) -> Fault:
    """Put a misfit of a record into words."""
    key, given = _dotted(error["loc"]), error["input"]
    match error["type"]:
        case "missing" | "missing_argument":
            return Fault(file, key, "is missing", "add it")
        case "extra_forbidden" | "unexpected_keyword_argument":
            return Fault(file, key, "is not a known key", _suggestion(str(error["loc"][-1]), known))
        case "union_tag_invalid" | "union_tag_not_found":
            kind = given.get("kind", "missing") if isinstance(given, Mapping) else given
            return Fault(file, f"{key}.kind", f"is {kind!r}", "use 'float', 'int', 'choice', 'bool' or 'expression'")
    return Fault(file, key, f"is {given!r}", error["msg"].replace("Input should be", "it should be"))


def _dotted(place: tuple[int | str, ...]) -> str:
    tagged = place[:1] == ("knobs",)
    parts = [part for at, part in enumerate(place) if part != "[key]" and not (tagged and at == 2)]  # noqa: PLR2004 — where pydantic puts the kind
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


def _suggestion(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, sorted(known), n=1)
    return f"did you mean '{close[0]}'?" if close else "remove it"


def files(folder: Path, raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Check that every file exists, lies in the folder, and that the researcher cannot edit what judges it."""
    editable, roles = _strings(raw.get("editable")), {role: str(raw.get(role, name)) for role, name in _ROLES.items()}
    present = plain_files(folder)
    for key, name in [*((f"editable[{at}]", name) for at, name in enumerate(editable)), *roles.items()]:
        if name not in present:
            yield Fault(TEMPLATE, key, f"names {name!r}, which is not a file of {folder}", "add it, or name another")
    for name in sorted({*editable} & {roles["score"], roles["plot"], TEMPLATE, IDEAS, BIBLIOGRAPHY, README}):
        yield Fault(TEMPLATE, "editable", f"holds {name!r}, which judges the method", "leave it out")
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            name = path.relative_to(folder).as_posix()
            yield Fault(name, "", "is a link, which may change under a recorded digest", "put the file itself here")
    for name in sorted({README, BIBLIOGRAPHY} - {*present}):
        yield Fault(name, "", f"there is no such file in {folder}", "add it")
    for name in sorted({README, BIBLIOGRAPHY, *editable} & {*present}):
        yield from _encoding(folder / name)


def _encoding(path: Path) -> Iterator[Fault]:
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError as error:
        yield Fault(path.name, "", f"is not UTF-8 at byte {error.start}", "save it as UTF-8")


def code(folder: Path, raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Check the knobs and the scales' settings against the editable source."""
    named = sources(folder, _strings(raw.get("editable")))
    texts = {name: (folder / name).read_text(errors="replace") for name in named}
    broken = tuple(_syntax(texts))
    yield from broken
    knobs = fitting_knobs(raw)
    for at, knob in knobs:
        yield from (fault._replace(key=f"knobs[{at}].{fault.key}") for fault in _knob(knob, texts, certain=not broken))
    for name in sorted({knob.name for _, knob in knobs if [each.name for _, each in knobs].count(knob.name) > 1}):
        yield Fault(TEMPLATE, "knobs", f"name {name!r} more than once", "keep one of them")
    if not broken:
        yield from _scales(raw, {field for text in texts.values() for field in setting.fields(text)}, knobs)


def sources(folder: Path, editable: Iterable[str]) -> tuple[str, ...]:
    """Name the editable Python files that are there."""
    present = plain_files(folder)
    return tuple(name for name in editable if name.endswith(".py") and name in present)


def _syntax(texts: Mapping[str, str]) -> Iterator[Fault]:
    for name, text in texts.items():
        try:
            setting.fields(text)
        except SyntaxError as error:
            yield Fault(name, f"line {error.lineno}", f"does not parse: {error.msg}", "mend that line")


def fitting_knobs(raw: Mapping[str, Any]) -> list[tuple[int, Knob]]:
    """Give the knobs that are well formed, each with its place in the file."""
    knobs = []
    listed = raw.get("knobs")
    for at, table in enumerate(listed if isinstance(listed, list) else []):
        try:
            knobs.append((at, _KNOB.validate_python(table)))
        except ValidationError:
            continue  # the record as a whole is checked elsewhere, and says why
    return knobs


def _knob(knob: Knob, texts: Mapping[str, str], *, certain: bool) -> Iterator[Fault]:
    match knob:
        case FloatKnob(low=low, high=high) | IntKnob(low=low, high=high) if low >= high:
            yield Fault(TEMPLATE, "low", f"is {low:g}, not below the high {high:g}", "widen the range")
            return
        case FloatKnob(low=low, scale="log") | IntKnob(low=low, scale="log") if low <= 0:
            yield Fault(TEMPLATE, "low", f"is {low:g} on a log scale", "make it positive, or use scale = 'linear'")
            return
    if certain:
        yield from _stand(knob, texts)


def _stand(knob: Knob, texts: Mapping[str, str]) -> Iterator[Fault]:
    """Check the one place in the source where the knob's value stands."""
    found = [each for text in texts.values() if (each := setting.find(text, knob)) is not None]
    where = ", ".join(texts) or "the editable files"
    if len(found) != 1:
        kind = (
            "function with one return" if isinstance(knob, ExpressionKnob) else "field of Config with a plain default"
        )
        what = f"is {knob.name!r}, for which {where} has {len(found)} times a {kind}"
        yield Fault(TEMPLATE, "name", what, "write it once in the source, or remove the knob")
    elif (wrong := space.fault(knob, found[0].value)) is not None:
        yield Fault(TEMPLATE, "name", f"is {knob.name!r}, whose value in {where}, {wrong}", "mend one of the two")
    if isinstance(knob, ExpressionKnob):
        yield from _inputs(knob, texts)


def _inputs(knob: ExpressionKnob, texts: Mapping[str, str]) -> Iterator[Fault]:
    for file, text in texts.items():
        names = setting.arguments(text, knob.name)
        if names is None:
            continue
        if set(names) != set(knob.inputs):
            what = f"are {', '.join(knob.inputs)}, but {knob.name} takes {', '.join(names)}"
            yield Fault(TEMPLATE, "inputs", what, "name the same on both sides")
        for function in sorted({*knob.functions} - setting.callables(text)):
            yield Fault(TEMPLATE, "functions", f"holds {function!r}, which {file} does not know", "import it there")


def _scales(raw: Mapping[str, Any], fields: set[str], knobs: Iterable[tuple[int, Knob]]) -> Iterator[Fault]:
    turned, scales = {knob.name for _, knob in knobs}, _table(raw.get("scales"))
    if scales and "smoke" not in scales:
        yield Fault(TEMPLATE, "scales.smoke", "is missing", "add the scale that runs in seconds, for checks")
    for scale, body in scales.items():
        for name in _table(_table(body).get("settings")):
            key = f"scales.{scale}.settings.{name}"
            if name in turned:
                yield Fault(TEMPLATE, key, "is a knob too", "leave it to the knob, or remove the knob")
            elif name not in fields:
                yield Fault(TEMPLATE, key, "is no field of Config", _suggestion(name, fields))


def ideas(raw: Mapping[str, Any], knobs: Mapping[str, Knob], references: tuple[str, ...]) -> Iterator[Fault]:
    """Check what seed ideas turn and cite; tables that are no ideas are left to the record."""
    listed = raw.get("ideas")
    for at, idea in enumerate(map(_table, listed if isinstance(listed, list) else [])):
        changes = idea.get("changes")
        for place, change in enumerate(map(_table, changes if isinstance(changes, list) else [])):
            yield from _change(f"ideas[{at}].changes[{place}]", change, knobs)
        for key in _CITATION.findall(" ".join(re.findall(r"\[@[^\]]*\]", str(idea.get("rationale", ""))))):
            if key not in references:
                what = f"cites {key!r}, which {BIBLIOGRAPHY} does not have"
                yield Fault(IDEAS, f"ideas[{at}].rationale", what, _suggestion(key, references))


def _change(key: str, change: Mapping[str, Any], knobs: Mapping[str, Knob]) -> Iterator[Fault]:
    name, after = str(change.get("knob")), change.get("after")
    if name not in knobs:
        yield Fault(IDEAS, f"{key}.knob", f"is {name!r}, which is no knob", _suggestion(name, knobs))
    elif after is not None and (wrong := space.fault(knobs[name], after)) is not None:
        yield Fault(IDEAS, f"{key}.after", wrong, f"choose within the knob '{name}'")


def references(text: str) -> tuple[str, ...]:
    """List the keys of BibTeX entries, in order."""
    return tuple(_ENTRY.findall(text))


def _strings(value: object) -> tuple[str, ...]:
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, list) else ()


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
