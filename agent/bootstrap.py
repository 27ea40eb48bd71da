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

from agent import staff
from agent.campaign import Brief, Campaign, CampaignError, writing
from agent.endpoint import Endpoint
from agent.journal import Journal
from agent.keys import Keys, redactor
from agent.literature import access
from agent.literature.publication import Literature
from agent.llm import LLM
from agent.llms.adapting import Adapting
from agent.selection import Chosen
from agent.staff import Office
from agent.state import Step, Tools
from agent.waiting import Waiting
from sandboxes.choose import choose
from sandboxes.job import Sandbox
from templates import catalogue, template
from templates.folder import plain_files
from templates.template import Template


def own_folder() -> Path:
    """Give the user's own folder: their templates, keys and settings of language models."""
    return Path("~/.ratchet").expanduser()


def load_templates(brief: Brief) -> dict[str, Template]:
    """Load the brief's templates by name.

    Raises `TemplateError` or `UnknownTemplateError`, and `CampaignError` when two have one name.
    """
    loaded = [catalogue.find(name, own_folder()) for name in brief.templates]
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


@contextmanager
def tools(  # noqa: PLR0913 (what differs between walks)
    campaign: Campaign,
    brief: Brief,
    report: Callable[[Step], None],
    stop: threading.Event,
    sandbox: Sandbox | None = None,
    *,
    replaying: bool = False,
) -> Iterator[Tools]:
    """Lock `campaign` for writing and give the tools that its steps work with.

    `replaying`, language models and literature answer from the record alone. Raises `CampaignLockedError`, or what
    `load_templates`, `choose`, `Keys` and `doors.door` raise.
    """
    with writing(campaign), ThreadPoolExecutor(brief.workers, thread_name_prefix="trial") as executor:
        journal, templates = open_journal(campaign), own_templates(campaign, brief)
        keys = Keys(os.environ) if brief.llms and not replaying else None
        tell = teller(journal, report)
        literature = library(campaign, brief, templates, keys, tell)
        waiting = Waiting(campaign, brief, journal, report, stop)
        yield Tools(
            campaign=campaign,
            brief=brief,
            journal=journal,
            templates=templates,
            sandbox=sandbox or choose(brief.sandbox, allow_unsafe_host=brief.allow_unsafe_host),
            executor=executor,
            researchers=staff.researchers(Office(campaign, brief, journal, keys), literature, waiting, tell),
            literature=literature,
            report=report,
            stop=stop,
        )


def library(
    campaign: Campaign,
    brief: Brief,
    templates: Mapping[str, Template],
    keys: Keys | None,
    tell: Callable[[str], None],
) -> Literature:
    """Put together where to look for what has been published; without keys, nobody on the network is asked."""

    def secret(name: str) -> str | None:
        found = keys.find(name) if keys else None
        return found.get_secret_value() if found else None

    return access.literature(
        templates.values(),
        campaign.literature,
        papers=brief.papers,
        offline=brief.offline or keys is None,
        keys=secret,
        report=tell,
        hosts={str(source): url for source, url in brief.sources.items()},
    )


def teller(journal: Journal, report: Callable[[Step], None]) -> Callable[[str], None]:
    """Make a line of what language models and literature have to tell beside their answers."""
    return lambda text: report(Step("note", journal.study, text))


def open_journal(campaign: Campaign) -> Journal:
    return Journal(campaign.ledger, campaign.exchanges, redactor(os.environ))


def trying(campaign: Campaign, brief: Brief, names: Iterable[str]) -> Mapping[str, LLM]:
    """Give language models that are recorded and paid, and neither waited for nor tried again."""
    return staff.metered(Office(campaign, brief, open_journal(campaign), Keys(os.environ)), names)


def unmetered(chosen: Chosen, keys: Keys, name: str) -> LLM:
    """Give a language model outside any campaign: nothing of its calls is kept."""
    return Adapting(staff.opened(name, chosen.endpoints.get(name, Endpoint()), keys))
