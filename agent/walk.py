"""Walk a campaign through its graph, from where it stands to its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver

from agent import graph
from agent.campaign import Campaign
from agent.journal import Event
from agent.state import State, Tools

THREAD: RunnableConfig = {"configurable": {"thread_id": "campaign"}}
STEPS_PER_STUDY = 60
"""More than any study takes, loops included; a runaway graph stops there."""


def walk(tools: Tools) -> None:
    """Bring the brief's number of studies to their end.

    Resumes at the checkpoint; without a usable one, at the first unfinished study, whose steps find on disk what they
    already did.
    """
    tools.journal.note(Event.opened, tools.campaign.name)
    with checkpoints(tools.campaign) as saver:
        machine = graph.build(saver)
        limit: RunnableConfig = {**THREAD, "recursion_limit": STEPS_PER_STUDY * tools.brief.studies}
        bookmark = machine.get_state(THREAD)
        remembered = cast("State", bookmark.values)
        start = None if bookmark.next and consistent(tools, remembered) else first(tools.campaign)
        if start is None or start["number"] <= tools.brief.studies:
            machine.invoke(start, limit, context=tools, durability="sync")
    tools.journal.note(Event.closed, tools.campaign.name)


def first(campaign: Campaign) -> State:
    """Start at the first study without a manifest."""
    finished = [study.number for study in campaign.studies() if study.manifest.exists()]
    return State(number=max(finished, default=0) + 1)


def consistent(tools: Tools, state: State) -> bool:
    """Say whether the bookmark speaks of a study that the folder knows, with a template that is at hand."""
    if "slug" not in state:
        return True
    return tools.study(state).idea.exists() and state["template"] in tools.templates


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
