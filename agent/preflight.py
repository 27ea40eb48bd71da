"""The preflight: what must hold before a campaign begins or goes on, found out before any work is done."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent import bootstrap, canary, doctor, hearing, ledger, selection
from agent.campaign import Brief, Campaign, CampaignError
from agent.check import Check, refuse_lacking
from agent.keys import Keys
from agent.selection import Chosen
from templates.template import Template


def examine(asked: Brief, place: Path, templates: Mapping[str, Template]) -> None:
    """Find out what is missing before anything is begun or paid."""
    for each in templates.values():
        if asked.scale not in each.scales:
            raise CampaignError(f"--scale: {each.name} has no scale {asked.scale!r}; it has {', '.join(each.scales)}.")
    checks = doctor.examine(templates.values(), place, asked.sandbox, allow_unsafe_host=asked.allow_unsafe_host)
    refuse_lacking("this machine lacks", (*checks, *lacking(asked)))


def lacking(asked: Brief) -> tuple[Check, ...]:
    """Look for what the brief's language models need; nobody is asked anything."""
    if not asked.llms:
        return ()
    chosen = Chosen(llms=asked.llms, endpoints=asked.endpoints)
    return tuple(hearing.ready(chosen, (asked.budget, asked.study_budget), Keys(os.environ)))


def try_out(made: Campaign, asked: Brief, names: Sequence[str]) -> None:
    """Ask each of these language models for a word, so that a wrong key or address is found before any work.

    The calls are in the campaign's ledger like all others, so the campaign is made first; one that failed here may be
    begun again by the same command. The campaign is held for writing. Raises `PreflightError`.
    """
    if names:
        sample = len(tuple(ledger.read(made.ledger)))
        hearing.try_language_models(bootstrap.trying(made, asked, names), sample)


def new_to(before: Brief, asked: Brief) -> tuple[str, ...]:
    """Name the language models that a campaign has not asked so far, or not at that place."""
    known = set(selection.names(before.llms))
    moved = {name for name in known if asked.endpoints.get(name) != before.endpoints.get(name)}
    return tuple(name for name in selection.names(asked.llms) if name not in known - moved)


def only_tried(there: Campaign) -> bool:
    """Say whether nothing but a preflight ever happened here: then the same command may begin the campaign."""
    entries = tuple(ledger.read(there.ledger))
    return bool(entries) and all(entry.question == canary.PREFLIGHT for entry in entries)
