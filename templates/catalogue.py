"""The catalogue: which templates there are, and where."""

from __future__ import annotations

import difflib
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sandboxes.record import Record
from templates.declaration import TEMPLATE
from templates.template import Template, TemplateError, load

_BUNDLED: Final = Path(__file__).parent
_GROUP: Final = "ratchet.templates"


class UnknownTemplateError(LookupError):
    """A name that no template has; the message lists those that there are."""


def names(home: Path | None = None) -> tuple[str, ...]:
    """Name the templates that are bundled, installed beside Ratchet, or in `home/templates`."""
    return tuple(sorted(_folders(home)))


def find(name_or_path: str, home: Path) -> Template:
    """Load a template by its name, or by the path of its folder.

    Raises `UnknownTemplateError` for neither, `TemplateError` for a broken one.
    """
    folders = _folders(home)
    if name_or_path in folders:
        return load(folders[name_or_path])
    folder = Path(name_or_path).expanduser()
    if (folder / TEMPLATE).is_file():
        return load(folder)
    close = difflib.get_close_matches(name_or_path, folders, n=1, cutoff=0.4)
    raise UnknownTemplateError(
        f"There is no template {name_or_path!r}. Known are {', '.join(sorted(folders)) or '(none)'}."
        + (f" Did you mean {close[0]!r}?" if close else "")
        + f" A folder with a {TEMPLATE} can be given by its path; `ratchet template new` starts one."
    )


class Listed(Record):
    """A template that can be run by name."""

    name: str
    title: str
    metric: str = ""
    scales: tuple[str, ...] = ()


def listed(home: Path) -> tuple[Listed, ...]:
    """List the templates that have a name here; one that is broken says so."""
    return tuple(_listed(name, home) for name in names(home))


def _listed(name: str, home: Path) -> Listed:
    try:
        each = find(name, home)
    except TemplateError as error:
        return Listed(name=name, title=f"cannot be used: {len(str(error).splitlines()) - 1} faults, see its check")
    return Listed(
        name=each.name,
        title=each.title,
        metric=f"{each.metric.title} ({each.metric.unit}, {each.metric.better} is better)",
        scales=tuple(each.scales),
    )


def _folders(home: Path | None) -> dict[str, Path]:
    """Map names to folders; where two have one name, the user's own wins, then the bundled one."""
    own = {} if home is None else _below(home / "templates")
    return {**_installed(), **_below(_BUNDLED), **own}


def _below(folder: Path) -> dict[str, Path]:
    found = folder.glob(f"*/{TEMPLATE}")
    return {path.parent.name: path.parent for path in found if not path.parent.name.startswith(("_", "."))}


def _installed() -> dict[str, Path]:
    """Find the folders that other distributions declare, without importing any of them."""
    found = {point.name: _folder(point.module) for point in entry_points(group=_GROUP)}
    return {name: folder for name, folder in found.items() if folder is not None}


def _folder(module: str) -> Path | None:
    """Locate a package's folder; only its outermost package is looked up, so that nothing of it runs."""
    first, *rest = module.split(".")
    spec = find_spec(first)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)), *rest)
