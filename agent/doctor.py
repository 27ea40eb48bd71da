"""The doctor: what this machine has, what it lacks, and the command that mends it, before any work is done."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import papers
from agent.check import Check
from sandboxes.choose import choose
from sandboxes.job import Level, SandboxUnavailableError
from sandboxes.probe import probe
from sandboxes.remedy import remedy
from templates import catalogue
from templates.template import Template, TemplateError

TEX_PROGRAMS = ("latexmk", "pdflatex", "bibtex", "kpsewhich")
TEX_INSTALL = "sudo apt-get install --no-install-recommends texlive-latex-recommended texlive-fonts-recommended latexmk"
FREE_BYTES = 1 << 30
"""Of disk that a campaign should find at its start."""


def examine(
    templates: Iterable[Template], campaigns: Path, sandbox: str | None, *, allow_unsafe_host: bool
) -> tuple[Check, ...]:
    return (
        python(),
        sandboxed(sandbox, allow_unsafe_host=allow_unsafe_host),
        *tex(),
        disk(campaigns),
        *(packages(template) for template in templates),
    )


def python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= (3, 11)
    return Check(name="Python", ok=ok, what=version, remedy="" if ok else "Install Python 3.11 or newer.")


def sandboxed(sandbox: str | None, *, allow_unsafe_host: bool) -> Check:
    try:
        chosen = choose(sandbox, allow_unsafe_host=allow_unsafe_host)
    except (SandboxUnavailableError, ValueError) as error:
        return Check(name="sandbox", ok=False, what=str(error))
    unsafe = ", NO ISOLATION: generated code can read and change whatever you can"
    what = f"{type(chosen).__name__.lower()}, level {chosen.level}{unsafe if chosen.level is Level.process else ''}"
    return Check(name="sandbox", ok=True, what=what)


def enforced() -> Iterator[Check]:
    """Try what the sandbox must withstand; takes a few seconds."""
    for each in probe():
        what = f"held (the attempt: {each.detail.replace('_', ' ')})" if each.ok else each.detail
        yield Check(name=f"sandbox: {each.name}", ok=each.ok, what=what, remedy="" if each.ok else remedy())


def tex() -> Iterator[Check]:
    """Look for the programs, then for every package that the papers' style loads."""
    missing = [program for program in TEX_PROGRAMS if shutil.which(program) is None]
    if missing:
        yield Check(name="TeX", ok=False, what=f"{', '.join(missing)} not found on PATH", remedy=TEX_INSTALL)
        return
    names = [f"{package}.sty" for package in style_packages()]
    found = subprocess.run(["kpsewhich", *names], capture_output=True, text=True, check=False, timeout=60).stdout
    lacking = [name for name in names if f"/{name}" not in found]
    what = f"without {', '.join(lacking)}" if lacking else f"pdfTeX with {len(names)} packages"
    yield Check(name="TeX", ok=not lacking, what=what, remedy=TEX_INSTALL if lacking else "")


def style_packages() -> tuple[str, ...]:
    """Name the packages that the papers' style loads."""
    style = Path(papers.__path__[0], "style", "ratchet.sty").read_text()
    groups = re.findall(r"\\RequirePackage(?:\[[^\]]*\])?\{([^}]*)\}", style)
    return tuple(name.strip() for group in groups for name in group.split(","))


def disk(campaigns: Path) -> Check:
    place = next(folder for folder in (campaigns.absolute(), *campaigns.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    ok = free >= FREE_BYTES
    remedy = "" if ok else f"Free at least {FREE_BYTES / 2**30:.0f} GiB, or choose another folder with --campaigns."
    return Check(name="disk", ok=ok, what=f"{free / 2**30:.1f} GiB free in {place}", remedy=remedy)


def every_template(home: Path) -> Iterator[Check]:
    """Examine each template that has a name here; a broken one is a check that fails."""
    for name in catalogue.names(home):
        try:
            yield packages(catalogue.find(name, home))
        except TemplateError as error:
            remedy = f"See 'ratchet template check {name}'."
            yield Check(name=f"template {name}", ok=False, what=str(error).splitlines()[0], remedy=remedy)


def packages(template: Template) -> Check:
    """Look for what the template's scripts import; nothing of them is run."""
    lacking = sorted(name for name in imported(template) if importlib.util.find_spec(name) is None)
    name = f"template {template.name}"
    if not lacking:
        return Check(name=name, ok=True, what="everything it imports is installed")
    extra = f"[{template.extra}]" if template.extra else ""
    remedy = f"pip install 'ratchet-lab{extra}'" if extra else f"pip install {' '.join(lacking)}"
    return Check(name=name, ok=False, what=f"imports {', '.join(lacking)}, not installed", remedy=remedy)


def imported(template: Template) -> frozenset[str]:
    """Name the third-party modules that the template's scripts import at their top level or below."""
    own = {path.stem for path in template.folder.glob("*.py")}
    names: set[str] = set()
    for path in template.folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return frozenset(names - own - sys.stdlib_module_names)
