"""Forms: answers in JSON as language models write them, read into records.

Taken as it was meant is what can mean only one thing: words or a fence around the object, comments, trailing commas,
TeX whose backslashes were not doubled, names in another case, numbers as strings, null for nothing, one thing where a
list was asked for, a wrapper around it all, and more than was asked, unless it may be what is missing under another
name. The rest is a misfit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import ValidationError

from papers.mathematics import COMMANDS
from sandboxes.record import Record

F = TypeVar("F", bound=Record)

FENCE = re.compile(r"```\w*\s*\n(.*?)```", re.DOTALL)
BESIDE = re.compile(
    r'(?P<kept>"(?:\\.|[^"\\])*")|//[^\n]*|#[^\n]*|/\*.*?\*/|(?P<word>\b(?:True|False|None)\b)', re.DOTALL
)
"""A string, which is kept, or what JSON has not: a comment, or a word of Python."""
COMMA = re.compile(r'(?P<kept>"(?:\\.|[^"\\])*")|,(?=\s*[}\]])')
FORMULA = re.compile(r'\$[^$"]+\$')
ESCAPE = re.compile(r'\\(?:(?P<right>["\\/nrt]|u[0-9a-fA-F]{4}|[bf](?![A-Za-z]))|)')
COMMAND = re.compile(r"\\(?:\\|(?P<word>[A-Za-z]+))")
PYTHON = {"True": "true", "False": "false", "None": "null"}
WHOLE = re.compile(r"\s*(-?\d+)\s*(?:[:(].*|/\s*\d+|out of \d+)?", re.DOTALL)
"""A score with its meaning, or of how many."""
SHARE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
MOST_FAULTS = 10
LONGEST_FAULT = 200
"""Characters."""


class Misfit(ValueError):  # noqa: N818 (part of a conversation, not an error)
    """An answer is not in the form that was asked for; the message tells its author what to mend."""


def read(text: str, form: type[F]) -> F:
    """Read a form from an answer; raises `Misfit` naming every fault."""
    try:
        return form.model_validate(_meant(_data(text), form))
    except (ValidationError, RecursionError) as error:
        raise Misfit(f"That JSON does not fit: {described(error)}. Answer with the whole object, mended.") from error


def described(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    places = [each["loc"] for each in error.errors()]
    told = [
        f"{'.'.join(map(str, each['loc'])) or 'the object'}: {each['msg']}"[:LONGEST_FAULT]
        for each in error.errors()
        # What holds something faulty is found faulty too, and need not be told.
        if not any(place != each["loc"] and place[: len(each["loc"])] == each["loc"] for place in places)
    ]
    more = [f"and {len(told) - MOST_FAULTS} more"] if len(told) > MOST_FAULTS else []
    return "; ".join([*told[:MOST_FAULTS], *more])


def _data(text: str) -> Any:  # noqa: ANN401 (JSON)
    """Find the one object of an answer."""
    faults: list[str] = []
    for group in (*_spans(text), [found[1] for found in FENCE.finditer(text)]):
        found: list[Any] = []
        for each in group:
            try:
                found.append(json.loads(_mended(each), strict=False))
            except (json.JSONDecodeError, RecursionError) as error:
                faults.append(str(error) or "it is nested too deeply")
        if any(each != found[0] for each in found):
            raise Misfit(f"There are {len(found)} JSON objects in that answer. Answer with one, and nothing else.")
        if found:
            return found[0]
    raise Misfit(f"That is not JSON: {faults[0] if faults else 'no brace'}. Answer with one JSON object, nothing else.")


def _spans(text: str) -> list[list[str]]:
    """Cut off what stands around the outermost brackets, of either kind and of an object."""
    starts = sorted({text.find("{"), text.find("[")} - {-1})
    return [[text[start : max(text.rfind("}"), text.rfind("]")) + 1]] for start in starts]


def _mended(text: str) -> str:
    """Make JSON of what is nearly so."""
    bare = BESIDE.sub(lambda found: found["kept"] or PYTHON.get(found["word"] or "", ""), text)
    closed = COMMA.sub(lambda found: found["kept"] or "", bare)
    doubled = FORMULA.sub(lambda found: COMMAND.sub(_command, found.group()), closed)
    return ESCAPE.sub(lambda found: found.group() if found["right"] else r"\\", doubled)


def _command(found: re.Match[str]) -> str:
    return f"\\{found.group()}" if found["word"] in COMMANDS else found.group()


def _meant(value: Any, kind: Any) -> Any:  # noqa: ANN401, PLR0911 (JSON and types; one kind a line)
    """Put a value as its kind has it, where it can mean nothing else."""
    if isinstance(kind, type) and issubclass(kind, Record):
        return _object(value, kind)
    if get_origin(kind) is tuple:
        listed = value if isinstance(value, list) else [] if value is None else [value]
        return [_meant(each, get_args(kind)[0]) for each in listed]
    if get_origin(kind) is Literal:
        return _choice(value, get_args(kind))
    if kind is str:
        return _words(value)
    if kind is int and isinstance(value, str) and (whole := WHOLE.fullmatch(value)):
        return int(whole[1])
    if kind is float and isinstance(value, str) and (share := SHARE.fullmatch(value)):
        return float(share[1]) / 100
    return value


def _object(value: Any, form: type[Record]) -> Any:  # noqa: ANN401 (JSON)
    fields = {name: field.annotation for name, field in form.model_fields.items()}
    value = _unwrapped(value, fields)
    if not isinstance(value, dict):
        return value
    known = {_plain(name): name for name in fields}
    named = {known.get(_plain(name), name): each for name, each in value.items()}
    said = {name: each for name, each in named.items() if each is not None or name not in _optional(form)}
    missing = [kind for name, kind in fields.items() if name not in named]
    kept = {name: each for name, each in said.items() if name in fields or any(_may_be(each, k) for k in missing)}
    return {name: _meant(each, fields[name]) if name in fields else each for name, each in kept.items()}


def _may_be(value: Any, kind: Any) -> bool:  # noqa: ANN401 (JSON and types)
    """Say whether a value under a name that is not known may be what is missing."""
    if isinstance(value, list | dict):
        return get_origin(kind) is tuple or (isinstance(kind, type) and issubclass(kind, Record))
    if isinstance(value, str):
        return kind is str or get_origin(kind) is Literal
    return kind in {int, float} or get_origin(kind) is Literal


def _unwrapped(value: Any, fields: dict[str, Any]) -> Any:  # noqa: ANN401 (JSON)
    """Take off what was put around an object, or put around what was asked for as the only list of one."""
    if isinstance(value, dict) and {_plain(name) for name in value} & {_plain(name) for name in fields}:
        return value
    if isinstance(value, dict) and len(value) == 1 and isinstance(inside := next(iter(value.values())), dict):
        return _unwrapped(inside, fields)
    alone = len(fields) == 1 and all(get_origin(kind) is tuple for kind in fields.values())
    return {next(iter(fields)): value} if alone and isinstance(value, list | dict) else value


def _optional(form: type[Record]) -> set[str]:
    return {name for name, field in form.model_fields.items() if not field.is_required()}


def _choice(value: Any, allowed: tuple[Any, ...]) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and (whole := WHOLE.fullmatch(value)) and int(whole[1]) in allowed:
        return int(whole[1])
    return next((each for each in allowed if isinstance(each, str) and _plain(each) == _plain(str(value))), value)


def _words(value: Any) -> Any:  # noqa: ANN401 (JSON)
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    return str(value) if isinstance(value, int | float) else value


def _plain(name: str) -> str:
    return "".join(_letters(name))


def _letters(name: str) -> Iterator[str]:
    return (letter for letter in name.lower() if letter.isalnum())
