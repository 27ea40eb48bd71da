"""A selection: which language models answer which kinds of question, as a person says it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import ValidationError

from agent.endpoint import Endpoint, Price
from agent.llm import Role
from sandboxes.record import Record

EMBEDDED = "embedded"
KINDS: tuple[Role, ...] = get_args(Role)
FORM = (
    "Write --llm PROVIDER/MODEL for every kind of question, or --llm KIND=PROVIDER/MODEL,… with the kinds "
    f"{', '.join(KINDS)}; 'A|B' asks B when A fails, and '{EMBEDDED}' needs no language model."
)

Selection = dict[Role, tuple[str, ...]]
"""Who answers each kind that was named; nobody is the embedded researcher."""


class SelectionError(ValueError):
    """What was said of language models does not hold; the message says how to say it."""


def parse(specs: Sequence[str]) -> Selection:
    """Read the values of `--llm`; a name without a kind stands for every kind that is not named.

    Raises `SelectionError`.
    """
    everywhere: tuple[str, ...] | None = None
    named: Selection = {}
    for item in (part.strip() for spec in specs for part in spec.split(",")):
        kind, names = split(item)
        if kind is None and everywhere is None:
            everywhere = read_names(names)
        elif kind is not None and kind not in named:
            named[kind] = read_names(names)
        else:
            raise SelectionError(f"--llm names {kind or 'a language model for every kind'} twice, at '{item}'. {FORM}")
    rest: Selection = {} if everywhere is None else dict.fromkeys(KINDS, everywhere)
    return rest | named


def split(item: str) -> tuple[Role | None, str]:
    """Tell the kind from the names after it; None when there is no kind."""
    kind, equals, names = item.partition("=")
    if not equals or "/" in kind:
        return None, item
    found = next((each for each in KINDS if each == kind.strip()), None)
    if found is None:
        raise SelectionError(f"--llm: there is no kind of question '{kind.strip()}' in '{item}'. {FORM}")
    return found, names


def read_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split("|"))
    if names == (EMBEDDED,):
        return ()
    if EMBEDDED in names:
        raise SelectionError(f"--llm: '{EMBEDDED}' stands alone, and not in '{text}': it never fails. {FORM}")
    if len(set(names)) < len(names):
        raise SelectionError(f"--llm names one language model twice in '{text}'. {FORM}")
    return tuple(map(read_name, names))


def read_name(name: str) -> str:
    """Check a name; a folder of weights is made independent of the folder that the command ran in."""
    if name.startswith("local:") and len(name) > len("local:"):
        return f"local:{Path(name.removeprefix('local:')).expanduser().resolve()}"
    if not re.fullmatch(r"[^\s/]+/\S+", name):
        raise SelectionError(f"--llm: '{name}' names no language model. {FORM}")
    return name


def names(selection: Mapping[Role, tuple[str, ...]]) -> tuple[str, ...]:
    """List the language models of a selection, each once."""
    return tuple(dict.fromkeys(name for kind in KINDS for name in selection.get(kind, ())))


def price(text: str) -> Price:
    """Read `IN,OUT[,CACHE_READ[,CACHE_WRITE]]`, US dollars for a million tokens."""
    fields = ("input", "output", "cache_read", "cache_write")
    words = text.split(",")
    try:
        return Price.model_validate(dict(zip(fields[: len(words)], map(float, words), strict=True)))
    except ValueError as error:
        raise SelectionError(
            f"--price: '{text}' is no price. Write IN,OUT[,CACHE_READ[,CACHE_WRITE]] in US dollars for a million "
            f"tokens, e.g. --price 2.5,10 or --price 2.5,10,0.25."
        ) from error


def settings(file: Path, *, required: bool) -> dict[str, Endpoint]:
    """Read a settings file: one table for each language model, by its name.

    Raises `SelectionError` with every fault in it; no value that may be a secret is repeated.
    """
    if not file.exists() and not required:
        return {}
    try:
        tables = tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SelectionError(f"--llms: {file} cannot be read ({error}). {EXAMPLE}") from error
    faults: list[str] = []
    read = {name: endpoint for name, table in tables.items() if (endpoint := read_table(name, table, faults))}
    if faults:
        raise SelectionError("\n".join([f"{file} does not hold:", *faults, EXAMPLE]))
    return read


EXAMPLE = (
    'It should look like: ["openai/my-local"] base_url = "http://127.0.0.1:8000/v1", key = "MY_KEY", each on a line.'
)


def read_table(name: str, table: object, faults: list[str]) -> Endpoint | None:
    try:
        read_name(name)
        endpoint = Endpoint.model_validate(table)
        check(endpoint)
    except ValidationError as error:
        faults += [
            f"  {name}: {'.'.join(map(str, each['loc'])) or 'the table'}: {each['msg']}" for each in error.errors()
        ]
    except SelectionError as error:
        faults.append(f"  {name}: {error}")
    else:
        return endpoint
    return None


def check(endpoint: Endpoint) -> None:
    """Refuse what is no address, and what holds a secret: an endpoint is written into the campaign's folder."""
    if endpoint.key and not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", endpoint.key):
        raise SelectionError(
            "key: it names the environment variable that holds the key, e.g. MY_KEY, and never the key itself."
        )
    if endpoint.base_url:
        check_address(endpoint.base_url)


def check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SelectionError(
            f"--base-url: '{url.rpartition('@')[2]}' is no address. Write e.g. --base-url http://127.0.0.1:8000/v1"
        )
    if parts.username or parts.password or parts.query:
        raise SelectionError(
            "--base-url: leave out name, password and query: they would be written into the campaign's folder. "
            "A key belongs in an environment variable or the key file."
        )


def endpoints(
    chosen: Iterable[str], known: Mapping[str, Endpoint], options: Mapping[str, object]
) -> dict[str, Endpoint]:
    """Give what is known of each chosen language model, the options of the command line last.

    `options` are fields of `Endpoint`; None leaves the field as it is. Raises `SelectionError`.
    """
    given: dict[str, Any] = {field: value for field, value in options.items() if value is not None}
    merged = {name: Endpoint.model_validate(known.get(name, Endpoint()).model_dump() | given) for name in chosen}
    for endpoint in merged.values():
        check(endpoint)
    return {name: endpoint for name, endpoint in merged.items() if endpoint != Endpoint()}


class Chosen(Record):
    """Who answers what, and what is to be known about them."""

    llms: Selection = {}
    endpoints: dict[str, Endpoint] = {}


def choose(
    specs: Sequence[str], known: Mapping[str, Endpoint], options: Mapping[str, object], before: Chosen
) -> Chosen:
    """Choose anew the kinds that `specs` name; the options say something of the language models named there, or of all.

    `known` is what the settings file says. Raises `SelectionError`.
    """
    if not specs and all(value is None for value in options.values()):
        return before
    named = parse(specs)
    llms = {kind: chosen for kind, chosen in (before.llms | named).items() if chosen}
    told = names(named) if specs else names(before.llms)
    if not told and any(value is not None for value in options.values()):
        raise SelectionError(f"--base-url, --price, --context and --max-output go with --llm. {FORM}")
    kept = {name: endpoint for name, endpoint in before.endpoints.items() if name in names(llms) and name not in told}
    return Chosen(llms=llms, endpoints=kept | endpoints(told, {**before.endpoints, **known}, options))
