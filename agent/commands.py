"""What each command does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from agent import bootstrap, campaign, deciding, endings, hearing, ledger, preflight, selection, table, terms
from agent import cost as costs
from agent import doctor as doctors
from agent.approval import Decision, Pending
from agent.campaign import Brief, Campaign, CampaignError
from agent.check import PreflightError
from agent.endings import Exit, say, stopping
from agent.entry import uncertain
from agent.keys import Keys
from agent.llm import PausedError
from agent.progress import screen
from agent.selection import Chosen
from agent.state import StopRequestedError
from agent.summary import answerers, is_running, listed, standing, study_details, study_rows, summary
from agent.terms import Changes, Named
from sandboxes.choose import choose
from sandboxes.job import Level, SandboxUnavailableError
from templates import catalogue, check, scaffold


def run(home: Path, named: Brief, changes: Changes, *, resume: bool, as_json: bool) -> int:
    """Begin a campaign; with `resume`, continue one of that name."""
    asked, there = terms.changed(named, changes), Campaign(home / named.name)
    if there.brief.exists() and not preflight.only_tried(there):
        if not resume:
            campaign.create(home, asked)  # says that it is there
        terms.refuse_other_terms(there, asked)
        return go_on(there, changes, as_json=as_json)
    preflight.examine(asked, home, bootstrap.load_templates(asked))
    made = begin(home, terms.pinned(asked))
    with campaign.writing(made):
        preflight.try_out(made, asked, selection.names(asked.llms))
    return walk_through(made, as_json=as_json)


def begin(home: Path, asked: Brief) -> Campaign:
    """Make the campaign's folder, or take the one that a failed preflight left with what it paid."""
    there = Campaign(home / asked.name)
    if not there.brief.exists():
        return campaign.create(home, asked)
    campaign.write_brief(there, asked)
    return there


def dry_run(home: Path, asked: Brief, *, as_json: bool) -> int:
    """Say what a campaign would do and may cost, then what it would lack here; start nothing."""
    templates = bootstrap.load_templates(asked)
    table.lay_out(costs.estimate(asked, templates), as_json=as_json)
    preflight.examine(asked, home, templates)
    return Exit.ok


def cost(home: Path, name: str, *, as_json: bool) -> int:
    table.lay_out(costs.report(campaign.find(home, name)), as_json=as_json)
    return Exit.ok


def resume(home: Path, name: str, changes: Changes, *, as_json: bool) -> int:
    return go_on(campaign.find(home, name), changes, as_json=as_json)


def go_on(found: Campaign, changes: Changes, *, as_json: bool) -> int:
    """Continue with what was changed; what the preflight refuses changes nothing."""
    with campaign.writing(found):
        before = campaign.read_brief(found)
        asked = terms.changed(before, changes)
        preflight.examine(asked, found.folder, bootstrap.own_templates(found, asked))
        preflight.try_out(found, asked, preflight.new_to(before, asked))
        if asked != before:  # else what a person wrote beside it would be lost
            campaign.write_brief(found, asked)
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
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else its last flush fails too
            say(f"Nobody reads the output any more, so it stopped. Go on with 'ratchet resume {found.argument}'.\n")
            return Exit.resumable
        except Exception as error:
            code = stop.code if isinstance(error, StopRequestedError) else endings.code_of(error)
            if code is None:
                raise
            wake = error.wake.isoformat(timespec="seconds") if isinstance(error, PausedError) else None
            shown.event("stopped", exit=int(code), reason=str(error), wake=wake)
            print(endings.shown(endings.message(error, found.argument)), file=sys.stderr)
            return code
        rows = study_rows(found)
        code = Exit.ok if all(row.paper for row in rows) else Exit.some_failed
        shown.event("done", exit=int(code), studies=[row.model_dump(mode="json") for row in rows])
    if not as_json:
        print(endings.shown(summary(found)))
    return code


def approve(home: Path, name: str, *, as_json: bool) -> int:
    return decided(campaign.find(home, name), lambda _: Decision(word="approved"), as_json=as_json)


def reject(home: Path, name: str, because: str, *, as_json: bool) -> int:
    return decided(campaign.find(home, name), lambda _: Decision(word="rejected", because=because), as_json=as_json)


def edit(home: Path, name: str, file: Path | None, *, as_json: bool) -> int:
    found = campaign.find(home, name)
    return decided(found, lambda pending: deciding.edit(found, pending, file), as_json=as_json)


def decided(found: Campaign, choose: Callable[[Pending], Decision], *, as_json: bool) -> int:
    """Enter what a person says of what waits, and go on."""
    deciding.decide(found, choose)
    return go_on(found, Changes(None, None, None, {}, {}, Named()), as_json=as_json)


def replay(home: Path, name: str, into: str | None, *, again: bool, as_json: bool) -> int:
    """Replay a campaign, and end well only when all is equal."""
    from agent import replay as replays

    found = campaign.find(home, name)
    with screen(as_json=as_json) as shown, stopping() as stop:
        try:
            report = replays.replay(found, into, shown.step, stop.event, again=again)
        except StopRequestedError as error:
            print(error, file=sys.stderr)
            return stop.code
        shown.event("replayed", **report.model_dump(mode="json"))
    if not as_json:
        print(endings.shown(report.text()))
    return Exit.some_failed if report.differences else Exit.ok


def list_campaigns(home: Path, *, as_json: bool) -> int:
    rows = [listed(each) for each in campaign.every(home)]
    table.show(rows, as_json=as_json, empty=f"No campaigns in {home}. Start one: ratchet run minimum_entropy_coupling")
    return Exit.ok


def show(home: Path, name: str, number: int | None, *, as_json: bool) -> int:
    found = campaign.find(home, name)
    if number is None:
        table.show(study_rows(found), as_json=as_json, empty=f"No study in '{name}' yet.")
        if (waits := standing(found)) and not as_json:
            print(f"\nIt is {waits}: ratchet approve, reject or edit {found.argument}")
        if not as_json:
            print(f"\nAnswered: {answerers(campaign.read_brief(found))}")
        undone = uncertain(ledger.read(found.ledger))
        if undone and not as_json and not is_running(found):
            print(f"\nIn flight when a process ended, begun again at resume: {len(undone)}")
            print("\n".join(f"  {entry.event} {entry.key} at {entry.at}" for entry in undone))
        return Exit.ok
    study = next((each for each in found.studies() if each.number == number), None)
    if study is None:
        raise CampaignError(f"'{name}' has no study {number}; it has {len(found.studies())}.")
    table.lay_out(study_details(found, study), as_json=as_json)
    return Exit.ok


def doctor(home: Path, named: Named, prompt_tokens: int, *, as_json: bool) -> int:
    """Examine this machine; when language models are named, ask each of them once, and nothing else is tried."""
    chosen = named.choose(Chosen())
    if chosen.llms:
        keys = Keys(os.environ)
        checks = tuple(hearing.hear(chosen, keys, partial(bootstrap.unmetered, chosen, keys), prompt_tokens))
    else:
        checks = (
            *doctors.examine((), home, None, allow_unsafe_host=False),
            *doctors.enforced(),
            *doctors.every_template(bootstrap.own_folder()),
        )
    table.show(checks, as_json=as_json, empty="")
    return Exit.ok if all(each.ok for each in checks) else Exit.preflight


def template_list(*, as_json: bool) -> int:
    table.show(catalogue.listed(bootstrap.own_folder()), as_json=as_json, empty="No templates.")
    return Exit.ok


def template_new(name: str, into: Path) -> int:
    made = scaffold.new(name, into)
    print(f"Made {made}. Try it: ratchet template check {made.absolute()}")
    return Exit.ok


def template_check(name: str, *, baseline: bool, scale: str, as_json: bool) -> int:
    template = catalogue.find(name, bootstrap.own_folder())
    if scale not in template.scales:
        raise CampaignError(f"--scale: {template.name} has no scale {scale!r}; it has {', '.join(template.scales)}.")
    try:
        sandbox = choose(None, allow_unsafe_host=False)
    except SandboxUnavailableError as error:
        raise PreflightError(str(error)) from error
    if baseline:
        print(f"Wrote {check.baseline(template, sandbox, scale)}", file=sys.stderr)
    findings = check.check(template, sandbox)
    table.show(findings, as_json=as_json, empty="")
    return Exit.ok if all(each.ok for each in findings) else Exit.some_failed
