"""Walk a campaign through its graph, from where it stands to its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph.state import CompiledStateGraph

from agent import approval, dossier, graph
from agent.campaign import Campaign, CampaignError
from agent.entry import Event
from agent.state import State, Tools
from papers.evidence import Stage

STEPS_PER_STUDY = 60
"""More than any study takes, loops included; a runaway graph stops there."""


def walk(tools: Tools) -> None:
    """Bring the brief's number of studies to their end.

    Resumes at the checkpoint; without a usable one, at the first unfinished study, whose steps find on disk what they
    already did. Raises `ApprovalNeededError` where a person's word is awaited.
    """
    tools.journal.note(Event.opened, tools.campaign.name, detail=terms(tools))
    try:
        with checkpoints(tools.campaign) as saver:
            go(tools, graph.build(saver))
    finally:
        tools.journal.note(Event.closed, tools.campaign.name)


def terms(tools: Tools) -> str:
    """Say on what the results rest; raises `CampaignError` when it is not what the campaign began with."""
    digests = (f"{name} {template.digest[:12]}" for name, template in sorted(tools.templates.items()))
    now = ", ".join((f"scale {tools.brief.scale}", f"seed {tools.brief.seed}", *digests))
    began = next((entry.detail for entry in tools.journal.entries if entry.event is Event.opened), now)
    if began != now:
        raise CampaignError(
            f"The campaign '{tools.campaign.name}' began with {began}, and its folder now says {now}. Put it back as "
            f"it was, or begin another campaign: results of both cannot be compared."
        )
    return now


def go(tools: Tools, machine: CompiledStateGraph[State, Tools, State, State]) -> None:
    thread: RunnableConfig = {
        "configurable": {"thread_id": tools.journal.identity},
        "recursion_limit": STEPS_PER_STUDY * tools.brief.studies,
    }
    bookmark = machine.get_state(thread)
    usable = bookmark.next and consistent(tools, cast("State", bookmark.values), bookmark.next[0])
    start = None if usable else first(tools.campaign)
    if start is None or start["number"] <= tools.brief.studies:
        machine.invoke(start, thread, context=tools, durability="sync")
        if (pending := approval.last_pending(tools.journal.entries)) is not None:
            raise approval.needed(tools.campaign, pending)


def first(campaign: Campaign) -> State:
    """Start at the first study without a manifest."""
    studies = campaign.studies()
    unfinished = (study.number for study in studies if not study.manifest.exists())
    return State(number=next(unfinished, studies[-1].number + 1 if studies else 1))


def consistent(tools: Tools, state: State, following: str) -> bool:
    """Say whether the files are there that the bookmark relies on."""
    if "slug" not in state:
        return True
    return state["template"] in tools.templates and all(path.exists() for path in needed(tools, state, following))


def needed(tools: Tools, state: State, following: str) -> Iterator[Path]:
    """Name what the steps before `following` left on disk."""
    study, number = tools.study(state), dossier.draft_number(state)
    yield study.idea
    if following != "survey":
        yield study.related
    if state["variant"]:
        yield study.change(state["variant"])
        yield study.variant_code(state["variant"])
    if state["stage"]:
        earlier = takewhile(lambda stage: stage != state["stage"], Stage)
        yield from (study.comparison(stage) for stage in earlier)
    if number > 1:
        yield study.draft(number - 1).problems
    if following in ("press", "review", "approve_paper"):
        yield study.draft(number).study
        yield study.draft(number).paper


@contextmanager
def checkpoints(campaign: Campaign) -> Iterator[SqliteSaver]:
    """Open the checkpoint file; a damaged one is set aside, since the study folders hold the truth."""
    connection = connect(campaign)
    try:
        yield SqliteSaver(connection)
    finally:
        connection.close()


def connect(campaign: Campaign) -> sqlite3.Connection:
    connection = sqlite3.connect(campaign.checkpoint, check_same_thread=False)
    try:
        damage = connection.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        damage = str(error)
    if damage == "ok":
        return connection
    connection.close()
    set_aside(campaign)
    return sqlite3.connect(campaign.checkpoint, check_same_thread=False)


def set_aside(campaign: Campaign) -> None:
    """Move the checkpoint and its side files to names that are free; nothing is deleted."""
    number = len(list(campaign.folder.glob("checkpoint.sqlite.damaged-*"))) + 1
    for suffix in ("", "-wal", "-shm"):
        path = campaign.folder / f"checkpoint.sqlite{suffix}"
        if path.exists():
            path.replace(campaign.folder / f"checkpoint.sqlite.damaged-{number}{suffix}")
