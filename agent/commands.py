"""What each command does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from agent import bootstrap, campaign, journal
from agent import doctor as doctors
from agent.campaign import Brief, Campaign, CampaignError
from agent.endings import Exit
from agent.progress import screen
from agent.state import StopRequestedError
from agent.summary import is_running, listed, study_details, study_row, summary
from sandboxes.choose import choose
from sandboxes.job import Level, SandboxUnavailableError
from sandboxes.record import Record
from templates import catalogue, check, scaffold
from templates.template import Template


def brief(**fields: object) -> Brief:
    """Make a brief; raises `CampaignError` with every fault in it."""
    try:
        return Brief.model_validate(fields)
    except ValidationError as error:
        faults = [f"{option(*each['loc'])}: {each['msg']} (got {each['input']!r})" for each in error.errors()]
        raise CampaignError("\n".join(faults)) from error


def option(*place: int | str) -> str:
    """Name the option that sets this field of a brief."""
    caps = {"wall_seconds": "--max-wall", "trial_seconds": "--max-trial-seconds", "usd": "--max-usd"}
    return caps.get(str(place[-1]), f"--{place[0]}")


def run(home: Path, asked: Brief, *, resume: bool, as_json: bool) -> int:
    there = Campaign(home / asked.name)
    if resume and there.brief.exists():
        refuse_other_terms(there, asked)
        return go_on(there, asked.studies, asked.budget.model_dump(), as_json=as_json)
    if there.brief.exists():
        campaign.create(home, asked)  # says that it is there
    preflight(asked, home, bootstrap.load_templates(asked))
    pinned = asked.model_copy(update={"templates": tuple(map(pinned_name, asked.templates))})
    return walk_through(campaign.create(home, pinned), as_json=as_json)


def refuse_other_terms(there: Campaign, asked: Brief) -> None:
    """Keep a campaign to the scale, the seed and the templates that it began with."""
    began = campaign.read_brief(there)
    if (began.scale, began.seed, template_names(began)) != (asked.scale, asked.seed, template_names(asked)):
        raise CampaignError(
            f"The campaign '{there.name}' was begun at scale {began.scale}, with seed {began.seed} and templates "
            f"{', '.join(template_names(began))}. Ask for the same to continue it, or for another campaign with --name."
        )


def template_names(asked: Brief) -> tuple[str, ...]:
    return tuple(Path(name).resolve().name for name in asked.templates)


def preflight(asked: Brief, place: Path, templates: Mapping[str, Template]) -> None:
    """Find out what is missing before anything is begun or paid."""
    for each in templates.values():
        if asked.scale not in each.scales:
            raise CampaignError(f"--scale: {each.name} has no scale {asked.scale!r}; it has {', '.join(each.scales)}.")
    doctors.preflight(templates.values(), place, asked.sandbox, allow_unsafe_host=asked.allow_unsafe_host)


def pinned_name(name: str) -> str:
    """Keep a name, and make a path independent of the folder that the command ran in."""
    return name if name in catalogue.names(bootstrap.HOME.expanduser()) else str(Path(name).expanduser().resolve())


def resume(home: Path, name: str, *, studies: int | None, budget: Mapping[str, float | None], as_json: bool) -> int:
    return go_on(campaign.find(home, name), studies, budget, as_json=as_json)


def go_on(found: Campaign, studies: int | None, budget: Mapping[str, float | None], *, as_json: bool) -> int:
    """Continue with a new number of studies and new caps; None keeps what the brief says."""
    with campaign.writing(found):
        before = campaign.read_brief(found)
        caps = before.budget.model_dump() | {key: value for key, value in budget.items() if value is not None}
        asked = brief(**before.model_dump() | {"studies": studies or before.studies, "budget": caps})
        if asked != before:  # else what a person wrote beside it would be lost
            campaign.write_brief(found, asked)
        preflight(asked, found.folder, bootstrap.own_templates(found, asked))
    return walk_through(found, as_json=as_json)


def walk_through(found: Campaign, *, as_json: bool) -> int:
    """Walk the campaign to its end and say where everything is."""
    from agent import walk

    asked = campaign.read_brief(found)
    with screen(as_json=as_json) as shown, stopping() as stop:
        try:
            shown.event("launch", campaign=found.name, folder=str(found.folder.absolute()), pid=os.getpid())
            with bootstrap.tools(found, asked, shown.step, stop.event) as tools:
                if tools.sandbox.level is Level.process:
                    say("No isolation: generated code runs as you, and can read and change whatever you can.\n")
                walk.walk(tools)
        except StopRequestedError as error:
            print(error, file=sys.stderr)
            return stop.code
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else its last flush fails too
            say(f"Nobody reads the output any more, so it stopped. Go on with 'ratchet resume {found.argument}'.\n")
            return Exit.resumable
        rows = [study_row(study) for study in found.studies()]
        code = Exit.ok if all(row.paper for row in rows) else Exit.some_failed
        shown.event("done", exit=int(code), studies=[row.model_dump(mode="json") for row in rows])
    if not as_json:
        print(summary(found))
    return code


class Stopping:
    """Whether, and by which signal, the user asked to stop."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.code = Exit.interrupted

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.code = Exit.resumable if number == signal.SIGTERM else Exit.interrupted
        if self.event.is_set():
            # Trials that run would be waited for. They die with this process, and nothing finished is lost.
            say("\x1b[?25h" if sys.stderr.isatty() else "")
            os._exit(self.code)
        self.event.set()
        say("\nStopping once the running trials end. Press Ctrl-C again to stop at once.\n")


def say(text: str) -> None:
    """Write to standard error from a signal's handler, where a print could meet itself half done."""
    with suppress(OSError):
        os.write(2, text.encode())


@contextmanager
def stopping() -> Iterator[Stopping]:
    """Turn the first Ctrl-C, or a SIGTERM, into a request to stop; a second one stops at once."""
    stop = Stopping()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def list_campaigns(home: Path, *, as_json: bool) -> int:
    rows = [listed(each) for each in campaign.every(home)]
    table(rows, as_json=as_json, empty=f"No campaigns in {home}. Start one: ratchet run minimum_entropy_coupling")
    return Exit.ok


def show(home: Path, name: str, number: int | None, *, as_json: bool) -> int:
    found = campaign.find(home, name)
    if number is None:
        table([study_row(study) for study in found.studies()], as_json=as_json, empty=f"No study in '{name}' yet.")
        uncertain = journal.uncertain(tuple(journal.read(found.ledger)))
        if uncertain and not as_json and not is_running(found):
            print(f"\nIn flight when a process ended, begun again at resume: {len(uncertain)}")
            print("\n".join(f"  {entry.event} {entry.key} at {entry.at}" for entry in uncertain))
        return Exit.ok
    study = next((each for each in found.studies() if each.number == number), None)
    if study is None:
        raise CampaignError(f"'{name}' has no study {number}; it has {len(found.studies())}.")
    details = study_details(study)
    print(details.model_dump_json(indent=None if as_json else 2) if as_json else details.text())
    return Exit.ok


def doctor(home: Path, *, as_json: bool) -> int:
    checks = (
        *doctors.examine((), home, None, allow_unsafe_host=False),
        *doctors.enforced(),
        *doctors.every_template(bootstrap.HOME.expanduser()),
    )
    table(checks, as_json=as_json, empty="")
    return Exit.ok if all(each.ok for each in checks) else Exit.preflight


def template_list(*, as_json: bool) -> int:
    table(bootstrap.listed(), as_json=as_json, empty="No templates.")
    return Exit.ok


def template_new(name: str, into: Path) -> int:
    made = scaffold.new(name, into)
    print(f"Made {made}. Try it: ratchet template check {made.absolute()}")
    return Exit.ok


def template_check(name: str, *, baseline: bool, scale: str, as_json: bool) -> int:
    template = catalogue.find(name, bootstrap.HOME.expanduser())
    if scale not in template.scales:
        raise CampaignError(f"--scale: {template.name} has no scale {scale!r}; it has {', '.join(template.scales)}.")
    try:
        sandbox = choose(None, allow_unsafe_host=False)
    except SandboxUnavailableError as error:
        raise doctors.PreflightError(str(error)) from error
    if baseline:
        print(f"Wrote {check.baseline(template, sandbox, scale)}", file=sys.stderr)
    findings = check.check(template, sandbox)
    table(findings, as_json=as_json, empty="")
    return Exit.ok if all(each.ok for each in findings) else Exit.some_failed


def table(rows: Sequence[Record], *, as_json: bool, empty: str) -> None:
    """Print records: a line of JSON each, or columns for a person."""
    if as_json:
        for row in rows:
            print(row.model_dump_json())
    elif not rows:
        print(empty)
    else:
        print_columns(rows)


def print_columns(rows: Sequence[Record]) -> None:
    from rich.console import Console
    from rich.table import Table

    columns = [name for name in type(rows[0]).model_fields if any(cell(getattr(row, name)) for row in rows)]
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        shown.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        shown.add_row(*(cell(getattr(row, name)) for name in columns))
    width = None if sys.stdout.isatty() else 200
    Console(highlight=False, markup=False, width=width).print(shown)


def cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "ok" if value else "NO"
        case float():
            return f"{value:.4g}"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)
