"""Deciding: how a person's word on what waits gets into the journal."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from agent import amendment, approval, bootstrap, campaign
from agent.approval import Decision, Pending
from agent.campaign import Campaign, CampaignError, StudyFolder
from agent.entry import Event
from templates.idea import Idea


def decide(found: Campaign, choose: Callable[[Pending], Decision]) -> None:
    """Enter what a person says of what waits.

    Raises `CampaignError` when nothing does, and what `choose` raises; nothing is decided then.
    """
    with campaign.writing(found):
        journal = bootstrap.open_journal(found)
        pending = approval.last_pending(journal.entries)
        if pending is None:
            raise CampaignError(
                f"Nothing in '{found.name}' waits for your word. See how far it is with 'ratchet show "
                f"{found.argument}'; 'ratchet resume {found.argument} --approve ideas,code,paper' has it wait."
            )
        journal.note(Event.decided, pending.key, detail=choose(pending).model_dump_json())


def edit(
    found: Campaign, pending: Pending, file: Path | None, environment: Mapping[str, str] = os.environ
) -> Decision:
    """Have a person change what waits: by the file they give, or else in their editor.

    Raises `CampaignError` with everything that is wrong with what they wrote; their copy is kept.
    """
    study = StudyFolder(found.studies_folder / pending.study)
    template = bootstrap.own_templates(found, campaign.read_brief(found))[Idea.load(study.idea).template]
    laid = amendment.copies(found, pending, template)
    if file is not None:
        return amendment.amend(found, pending, template, {named(laid, file): text(file)})
    program = shlex.split(environment.get("VISUAL") or environment.get("EDITOR") or "vi")
    try:
        subprocess.run([*program, *map(str, laid.values())], check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise CampaignError(
            f"The editor did not end well ({error}). Set EDITOR to another one, or change a copy of "
            f"{' or '.join(map(str, laid.values()))} and give it with --with FILE."
        ) from error
    return amendment.amend(found, pending, template, {name: text(path) for name, path in laid.items()})


def named(laid: dict[str, Path], file: Path) -> str:
    """Say in the place of which file a given one stands; raises `CampaignError` when it could be any of several."""
    if len(laid) == 1:
        return next(iter(laid))
    if file.name in laid:
        return file.name
    raise CampaignError(f"{file} could stand for any of {', '.join(laid)}: give it the name of the one that you mean.")


def text(file: Path) -> str:
    try:
        return file.read_text()
    except UnicodeDecodeError as error:
        raise CampaignError(f"{file} is not UTF-8 at byte {error.start}. Save it as UTF-8.") from error
    except FileNotFoundError as error:
        raise CampaignError(f"There is no file {file}.") from error
