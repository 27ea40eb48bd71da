"""Prompts: the texts in `prompts/`, filled in; a name that is not given is an error, never a gap."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

PROMPTS = Path(__file__).parent / "prompts"


def render(name: str, **values: object) -> str:
    """Fill in `prompts/<name>.md.j2`.

    Raises `jinja2.UndefinedError` when the text names something that is not among `values`.
    """
    return _environment().get_template(f"{name}.md.j2").render(**values).strip() + "\n"


def fenced(text: str, what: str) -> str:
    """Fence untrusted text, so that it can end its fence by no means: the mark is made from the text itself."""
    mark = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    said = re.sub(r"[^A-Za-z0-9 _.:/-]", "", what)
    return f'<untrusted id="{mark}" what="{said}">\n{text.strip()}\n</untrusted id="{mark}">'


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # noqa: S701 (the texts are for a language model, not for a browser)
        loader=FileSystemLoader(PROMPTS),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["fenced"] = fenced
    return environment
