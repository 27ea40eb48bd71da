"""A scaffold: a small template that works, to be made one's own."""

from __future__ import annotations

import keyword
import re
import tempfile
from pathlib import Path
from typing import Final

from templates.folder import plain_files

_MODEL: Final = Path(__file__).with_name("_new")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


class ScaffoldError(ValueError):
    """A template that cannot be started; the message says why and what to do."""


def new(name: str, folder: Path) -> Path:
    """Start the template `name` as `folder/name`, whole or not at all, and return its folder."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ScaffoldError(
            f"{name!r} cannot name a template: use small letters, digits and _, a letter first, and no word of Python, "
            f"for example step_sizes."
        )
    target = folder / name
    if target.exists():
        raise ScaffoldError(f"{target} is there already, and nothing is overwritten: choose another name or folder.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}.") as temporary:
        whole = Path(temporary) / name
        whole.mkdir(mode=0o755)
        for file in plain_files(_MODEL):
            (whole / file).write_text(_named((_MODEL / file).read_text(), name))
        whole.rename(target)
    return target


def _named(text: str, name: str) -> str:
    return text.replace("{{name}}", name).replace("{{title}}", name.replace("_", " ").capitalize())
