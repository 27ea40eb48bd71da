"""Bootstrap: the one place that puts concrete things together."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from agent.campaign import Brief, Campaign, CampaignError, writing
from agent.endpoint import Endpoint
from agent.journal import Journal
from agent.keys import Keys, redactor
from agent.literature.access import literature
from agent.literature.publication import Literature
from agent.llm import LLM, Role
from agent.questions import Researcher
from agent.researchers.embedded import EmbeddedResearcher
from agent.selection import Chosen
from agent.state import Step, Tools
from agent.waiting import Waiting
from sandboxes.choose import choose
from sandboxes.job import Sandbox
from sandboxes.record import Record
from templates import catalogue, template
from templates.folder import plain_files
from templates.template import Template, TemplateError

HOME = Path("~/.ratchet")
"""The folder of the user's own templates."""


def load_templates(brief: Brief) -> dict[str, Template]:
    """Load the brief's templates by name.

    Raises `TemplateError` or `UnknownTemplateError`, and `CampaignError` when two have one name.
    """
    loaded = [catalogue.find(name, HOME.expanduser()) for name in brief.templates]
    by_name = {each.name: each for each in loaded}
    if len(by_name) < len(loaded):
        given = ", ".join(f"{each.name} in {each.folder}" for each in loaded)
        raise CampaignError(f"A campaign tells its templates apart by name: {given}. Rename one, or leave it out.")
    return by_name


def own_templates(campaign: Campaign, brief: Brief) -> dict[str, Template]:
    """Load the campaign's own copies of its templates, made at its start.

    So an edit, or a newer Ratchet, changes nothing in a campaign that is under way.
    """
    if not campaign.templates.exists():
        with tempfile.TemporaryDirectory(dir=campaign.folder, prefix=".templates.") as temporary:
            for name, found in load_templates(brief).items():
                copied = Path(temporary, "templates", name)
                for file in plain_files(found.folder):
                    (copied / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(found.folder / file, copied / file)
            Path(temporary, "templates").rename(campaign.templates)
    loaded = (template.load(folder) for folder in sorted(campaign.templates.iterdir()))
    return {each.name: each for each in loaded}


class Listed(Record):
    """A template that can be run by name."""

    name: str
    title: str
    metric: str = ""
    scales: tuple[str, ...] = ()


def listed() -> tuple[Listed, ...]:
    """List the templates that have a name here; one that is broken says so."""
    home = HOME.expanduser()
    return tuple(listed_one(name, home) for name in catalogue.names(home))


def listed_one(name: str, home: Path) -> Listed:
    try:
        each = catalogue.find(name, home)
    except TemplateError as error:
        return Listed(name=name, title=f"cannot be used: {len(str(error).splitlines()) - 1} faults, see its check")
    return Listed(
        name=each.name,
        title=each.title,
        metric=f"{each.metric.title} ({each.metric.unit}, {each.metric.better} is better)",
        scales=tuple(each.scales),
    )


@contextmanager
def tools(
    campaign: Campaign,
    brief: Brief,
    report: Callable[[Step], None],
    stop: threading.Event,
    sandbox: Sandbox | None = None,
    *,
    replaying: bool = False,
) -> Iterator[Tools]:
    """Lock `campaign` for writing and give the tools that its steps work with.

    `replaying`, language models answer from the record alone. Raises `CampaignLockedError`, or what `load_templates`,
    `choose` and `Keys` raise.
    """
    with writing(campaign), ThreadPoolExecutor(brief.workers, thread_name_prefix="trial") as executor:
        journal, templates = open_journal(campaign), own_templates(campaign, brief)
        read = library(campaign, brief, templates, report, replaying=replaying)
        yield Tools(
            campaign=campaign,
            brief=brief,
            journal=journal,
            templates=templates,
            sandbox=sandbox or choose(brief.sandbox, allow_unsafe_host=brief.allow_unsafe_host),
            executor=executor,
            researchers=researchers(campaign, brief, journal, read, report, stop, replaying=replaying),
            literature=read,
            report=report,
            stop=stop,
        )


def library(
    campaign: Campaign,
    brief: Brief,
    templates: Mapping[str, Template],
    report: Callable[[Step], None],
    *,
    replaying: bool,
) -> Literature:
    """Put together where to look for what has been published; only language models ask the network."""
    silent = brief.offline or replaying or not brief.llms
    return literature(
        templates.values(),
        campaign.literature,
        papers=brief.papers,
        offline=silent,
        keys=(lambda _: None) if silent else secret(Keys(os.environ)),
        report=teller(report),
    )


def secret(keys: Keys) -> Callable[[str], str | None]:
    """Give keys that are not needed, where there are any."""

    def find(name: str) -> str | None:
        found = keys.find(name)
        return found.get_secret_value() if found else None

    return find


def researchers(
    campaign: Campaign,
    brief: Brief,
    journal: Journal,
    literature: Literature,
    report: Callable[[Step], None],
    stop: threading.Event,
    *,
    replaying: bool,
) -> dict[Role, Researcher]:
    """Choose who answers which kind of question."""
    if not brief.llms:
        return dict.fromkeys(get_args(Role), EmbeddedResearcher())
    from agent import staff

    office = staff.Office(campaign, brief, journal, None if replaying else Keys(os.environ))
    return staff.researchers(office, literature, Waiting(campaign, brief, journal, report, stop), teller(report))


def teller(report: Callable[[Step], None]) -> Callable[[str], None]:
    """Make a line of what language models and literature have to tell beside their answers."""
    return lambda text: report(Step("note", 0, text))


def open_journal(campaign: Campaign) -> Journal:
    return Journal(campaign.ledger, campaign.exchanges, redactor(os.environ))


def trying(campaign: Campaign, brief: Brief, names: Iterable[str]) -> Mapping[str, LLM]:
    """Give language models that are recorded and paid, and neither waited for nor tried again."""
    from agent import staff

    return staff.metered(staff.Office(campaign, brief, open_journal(campaign), Keys(os.environ)), names)


def unmetered(chosen: Chosen, keys: Keys, name: str) -> LLM:
    """Give a language model outside any campaign: nothing of its calls is kept."""
    from agent import staff
    from agent.llms.adapting import Adapting

    return Adapting(staff.opened(name, chosen.endpoints.get(name, Endpoint()), keys))
