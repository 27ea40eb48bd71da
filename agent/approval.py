"""Approval: what waits for a person's word before a study goes on, and what they said.

Both are entries of the journal, keyed by study, point and digest of the thing itself. So what was decided holds for
that very idea, code or paper, whatever becomes of the checkpoint, and is asked once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

from agent.campaign import Campaign, Point
from agent.entry import Entry, Event
from agent.questions import CodeChange
from papers.notice import unsigned
from papers.paper import Paper
from sandboxes.record import Record
from templates.idea import Idea

Thing = Idea | CodeChange | Paper

THINGS: dict[Point, str] = {"ideas": "idea", "code": "code", "paper": "paper"}
"""How each point calls what is decided on."""
NO_REASON = "They gave no reason."
HANDS = {
    ("ideas", "approved"): "A person approved the idea before it was tried.",
    ("ideas", "edited"): "A person changed the idea before it was tried.",
    ("code", "approved"): "A person approved the code before its trials.",
    ("code", "rejected"): "A person rejected an earlier version of the code.",
    ("code", "edited"): "A person changed the code before its trials.",
    ("paper", "rejected"): "A person sent an earlier draft back.",
    ("paper", "edited"): "A person edited the draft.",
}
"""What a paper says of a person's part in it; what they wrote as their reason stays in the campaign."""


class Pending(Record):
    """Something that waits for a person's word."""

    study: str
    """Name of the study's folder."""
    point: Point
    digest: str
    subject: str
    """Path of its record within the campaign."""
    shown: str
    """Path within the campaign of what a person looks at."""

    @property
    def key(self) -> str:
        return f"{self.study}/{self.point}/{self.digest}"

    @property
    def thing(self) -> str:
        return THINGS[self.point]


class Decision(Record):
    """What a person said of it."""

    word: Literal["approved", "rejected", "edited"]
    because: str = ""
    text: str = ""
    """The record as the person edited it, JSON; empty unless they did."""
    after: str = ""
    """Its digest."""


class Decided(NamedTuple):
    key: str
    decision: Decision


class ApprovalNeededError(RuntimeError):
    """The campaign waits for a person; the message says for what, and how to go on."""


def digest(thing: Thing) -> str:
    """Name a thing by what a person decides on: of a paper all but the notice, which names persons itself."""
    record = unsigned(thing) if isinstance(thing, Paper) else thing
    return hashlib.sha256(record.model_dump_json().encode()).hexdigest()[:16]


def decisions(entries: Sequence[Entry], study: str, *points: Point) -> tuple[Decided, ...]:
    """List what was decided in a study, in order; of all points when none is named."""
    starts = tuple(f"{study}/{point}/" for point in points or THINGS)
    found = (entry for entry in entries if entry.event is Event.decided and entry.key.startswith(starts))
    return tuple(Decided(entry.key, Decision.model_validate_json(entry.detail)) for entry in found)


def decision(entries: Sequence[Entry], pending: Pending) -> Decision | None:
    """Give what was decided on this very thing; what a person wrote themselves is approved."""
    for decided in decisions(entries, pending.study, pending.point):
        if decided.key == pending.key:
            return decided.decision
        if decided.decision.after == pending.digest:
            return Decision(word="approved")
    return None


def approved(entries: Sequence[Entry], study: str, point: Point, thing: str) -> bool:
    """Say whether a person approved this very thing, named by its digest, or wrote it."""
    said = decision(entries, Pending(study=study, point=point, digest=thing, subject="", shown=""))
    return said is not None and said.word == "approved"


def edits(entries: Sequence[Entry], pending: Pending) -> int:
    """Count the edits at this point up to the one of this very thing, itself included."""
    keys = [each.key for each in decisions(entries, pending.study, pending.point) if each.decision.word == "edited"]
    return keys.index(pending.key) + 1


def last_pending(entries: Sequence[Entry]) -> Pending | None:
    """Give what waits now, if anything."""
    last = next((entry for entry in reversed(entries) if entry.event is Event.pending), None)
    if last is None or any(entry.event is Event.decided and entry.key == last.key for entry in entries):
        return None
    return Pending.model_validate_json(last.detail)


def rejected(entries: Sequence[Entry], study: str, code: CodeChange) -> str | None:
    """Give the reason for which a person rejected this very code; None when nobody did."""
    key = f"{study}/code/{digest(code)}"
    found = (each.decision for each in decisions(entries, study, "code") if each.key == key)
    return next((said.because or NO_REASON for said in found if said.word == "rejected"), None)


def refusal(entries: Sequence[Entry], study: str) -> str:
    """Say that the last word on a study's idea or code was a rejection; empty when it was not."""
    found = decisions(entries, study, "ideas", "code")
    if not found or found[-1].decision.word != "rejected":
        return ""
    thing = "idea" if f"{study}/ideas/" in found[-1].key else "code"
    return f"A person rejected the {thing}: {(found[-1].decision.because or NO_REASON).rstrip('.')}."


def hands(entries: Sequence[Entry], study: str) -> tuple[str, ...]:
    """Say for the paper what part persons had in a study so far."""
    said = (HANDS.get((each.key.split("/")[1], each.decision.word)) for each in decisions(entries, study))
    return tuple(dict.fromkeys(sentence for sentence in said if sentence))


def history(entries: Sequence[Entry], study: str) -> tuple[str, ...]:
    """Tell what was decided in a study, with the reasons."""
    return tuple(
        f"{thing} {each.decision.word}" + (f": {each.decision.because}" if each.decision.because else "")
        for each in decisions(entries, study)
        for point, thing in THINGS.items()
        if each.key.startswith(f"{study}/{point}/")
    )


def needed(campaign: Campaign, pending: Pending) -> ApprovalNeededError:
    """Say what waits, and the three commands that go on."""
    name = campaign.argument
    return ApprovalNeededError(
        f"Study {pending.study} waits for your approval of its {pending.thing}.\n\n{text(campaign, pending)}\n\n"
        f"  ratchet approve {name}                  go on with it\n"
        f"  ratchet reject {name} --because TEXT    say what is wrong with it\n"
        f"  ratchet edit {name}                     change it yourself ($EDITOR, or --with FILE)"
    )


def text(campaign: Campaign, pending: Pending) -> str:
    """Show what is decided on: an idea in words, code as its diff, a paper by where its PDF lies."""
    shown = campaign.folder / pending.shown
    if pending.point == "ideas":
        return told(Idea.load(shown))
    return shown.read_text().strip() if pending.point == "code" else f"{shown}"


def told(idea: Idea) -> str:
    prediction = idea.prediction
    turns = [f"{each.knob}: {each.before} → {each.after}" for each in idea.changes]
    lines = (
        idea.title,
        f"  hypothesis  {idea.hypothesis}",
        f"  rationale   {idea.rationale}",
        f"  predicted   {prediction.metric} {prediction.direction} by at least {prediction.smallest_effect:g}",
        f"  changes     {', '.join(turns) or idea.plan or 'not said'}",
    )
    return "\n".join(lines)
