"""The staff: who answers each kind of question; each language model behind its door and its wrappers.

From the inside out: the door tries once; `Adapting` does without what is refused; `Recorded` keeps the answer;
`Metered` pays within the caps; `Gated` paces, waits and tries again; `Guarded` has the answer repeated; `Fallback` goes
on to the next language model.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent import selection
from agent.budget import Caps
from agent.campaign import Brief, Campaign
from agent.endpoint import Endpoint
from agent.entry import Event
from agent.journal import Journal
from agent.keys import Keys, redactor
from agent.literature.publication import Literature
from agent.llm import LLM, NotRecordedError, Reply, Request, Role
from agent.llms import doors, names
from agent.llms.adapting import Adaptation, Adapting
from agent.llms.door import Door
from agent.llms.fallback import Fallback
from agent.llms.gate import HURRIED, Pace
from agent.llms.gated import Gated
from agent.llms.guarded import Guarded
from agent.llms.metered import Metered
from agent.llms.recorded import Recorded, recorded_names
from agent.questions import Researcher
from agent.researchers.desk import Desk
from agent.researchers.embedded import EmbeddedResearcher
from agent.researchers.language_model import LanguageModelResearcher
from sandboxes.record import Record


@dataclass(frozen=True)
class Office:
    """What the language models of a campaign share."""

    campaign: Campaign
    brief: Brief
    journal: Journal
    keys: Keys | None
    """None: they answer from the record alone, so that no door is made and no key is needed."""


class Learned(Record):
    """What each language model turned out not to take: `adaptations.json`."""

    llms: dict[str, Adaptation] = {}


class Adaptations:
    """Remembers with the campaign what its language models refuse, so that it is found out once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known = Learned.load(path) if path.exists() else Learned()

    def adapting(self, door: Door) -> Adapting:
        return Adapting(door, self._known.llms.get(door.name, Adaptation()), partial(self._learn, door.name))

    def _learn(self, name: str, adaptation: Adaptation) -> None:
        with self._lock:
            self._known = Learned(llms={**self._known.llms, name: adaptation})
            self._known.save(self._path)


class Silent:
    """Stands in for a language model of which only the record is asked."""

    def __init__(self, name: str) -> None:
        self.name = name

    def complete(self, request: Request) -> Reply:
        raise NotRecordedError(f"{self.name} is asked nothing any more, and '{request.purpose}' is not on record.")


def researchers(
    office: Office, literature: Literature, wait: Callable[[float, str], None], tell: Callable[[str], None]
) -> dict[Role, Researcher]:
    """Put together who answers which kind of question."""
    chosen, recorded = office.brief.llms, recorded_names(office.campaign.calls) if office.keys is None else ()
    paid = metered(office, dict.fromkeys((*selection.names(chosen), *recorded)))
    pace = Pace() if office.brief.wait else HURRIED
    answering = {name: guarded(office, Gated(each, wait, pace=pace), tell) for name, each in paid.items()}

    def one(order: tuple[str, ...]) -> LLM:
        # Of a replay the record is asked alone, and there others may have answered before these took over.
        llms = [answering[name] for name in dict.fromkeys((*order, *recorded))]
        if len(llms) == 1:
            return llms[0]
        return Fallback(llms, tell, lambda name, request: paid[name].holds(request), " or ".join(order))

    def researcher(order: tuple[str, ...]) -> Researcher:
        return LanguageModelResearcher(
            Desk(one(order), literature, scale=office.brief.scale, knobs_only=not chosen.get("code"))
        )

    embedded = EmbeddedResearcher()
    return {kind: researcher(chosen[kind]) if chosen.get(kind) else embedded for kind in selection.KINDS}


def guarded(office: Office, llm: LLM, tell: Callable[[str], None]) -> LLM:
    """Have answers repeated, if the brief says so; each refusal is told, and is in the ledger once."""

    def refused(text: str) -> None:
        tell(text)
        if not office.journal.has(Event.guarded, text):
            office.journal.note(Event.guarded, text)

    brief = office.brief
    return llm if brief.guard is None else Guarded(llm, brief.guard, brief.guard_share, report=refused)


def metered(office: Office, chosen: Iterable[str]) -> dict[str, Metered]:
    """Give each language model so that every call is recorded and paid; it is tried once, and not waited for."""
    campaign, brief, redact = office.campaign, office.brief, redactor(os.environ)
    adaptations = Adaptations(campaign.adaptations)
    caps = Caps(campaign=brief.budget, study=brief.study_budget, argument=campaign.argument)
    paid = {}
    for name in chosen:
        endpoint = brief.endpoints.get(name, Endpoint())
        asked = adaptations.adapting(opened(name, endpoint, office.keys)) if office.keys else Silent(name)
        recorded = Recorded(asked, campaign.calls, offline=office.keys is None, redact=redact)
        paid[name] = Metered(recorded, office.journal, endpoint, caps)
    return paid


def opened(name: str, endpoint: Endpoint, keys: Keys) -> Door:
    """Open the door to a language model with the key it needs; raises `KeysError` when there is none."""
    variable = names.key_variable(name, endpoint)
    return doors.door(name, endpoint, keys.key(variable).get_secret_value() if variable else None)
