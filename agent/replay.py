"""A replay: finished studies made once more from the campaign's own record, and compared file by file.

Taken over are the brief, the templates, and what no question determines: calls to language models, answers of the
literature, circumstances, what persons decided, which studies used up their own budget, and trials. Everything else is
done again, and nobody is asked: not a door to a language model is made. Times and money of the replay itself are in its
own ledger, which is not compared.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from importlib import metadata
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from agent import bootstrap, campaign, seal, walk
from agent.budget import Budget, BudgetReachedError
from agent.campaign import Campaign, CampaignError, StudyFolder
from agent.circumstances import KIND
from agent.difference import LONGEST, Difference, unequal, unlike
from agent.entry import Event
from agent.journal import Exchange, Journal
from agent.ledger import read as entries
from agent.llm import LLMError
from agent.seal import files
from agent.state import Step, Tools
from sandboxes.job import Sandbox
from sandboxes.record import Record
from templates import trial
from templates.template import Template
from templates.trial import BASELINE, Trial

AGAIN = "again"
"""Folder of a replay where trials lie that were run once more."""


class Report(Record):
    """What a replay found."""

    replay: str
    """Its folder."""
    studies: int
    equal: int
    """Files that are the same, bit for bit."""
    trials: int
    """Run again."""
    differences: tuple[Difference, ...]

    def text(self) -> str:
        """Lay it out for a person."""
        again = f", {self.trials} trials run again" if self.trials else ""
        studies = "1 study" if self.studies == 1 else f"{self.studies} studies"
        told = f"{self.equal} files equal, of {studies}{again}. The replay is in {self.replay}."
        if not self.differences:
            return told
        lines = [f"  {each.file}: {each.what}" for each in self.differences]
        return "\n".join((told, f"{len(lines)} differences:", *lines))


def replay(  # noqa: PLR0913 (what a walk needs, and what to walk)
    original: Campaign,
    name: str | None,
    report: Callable[[Step], None],
    stop: threading.Event,
    sandbox: Sandbox | None = None,
    *,
    again: bool = False,
) -> Report:
    """Make the finished studies of `original` again in a campaign beside it, and compare.

    With `again`, trials are run once more too, and their measurements held against the recorded ones, timings aside.
    Raises `CampaignError` when no study is finished, or when a campaign `name` is there.
    """
    finished = studies(original)
    if not finished:
        raise CampaignError(f"No study of '{original.name}' is finished, so there is nothing to replay.")
    made = prepare(original, name or free_name(original), finished)
    changed = tuple(seal.broken(original, finished))
    with bootstrap.tools(made, campaign.read_brief(made), report, stop, sandbox, replaying=True) as tools:
        stopped = tuple(walked(tools))
        repeated = tuple(differing(tools, finished)) if again else ()
    compared = [each for study in finished for each in compare(study, made)]
    unequal = tuple(Difference(file=name, what=what) for name, what in compared if what)
    return Report(
        replay=str(made.folder),
        studies=len(finished),
        equal=len(compared) - len(unequal),
        trials=sum(1 for _ in trials_of(made)) if again else 0,
        differences=explained(original, (*changed, *stopped, *repeated, *unequal)),
    )


def explained(original: Campaign, found: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Put first that another version of Ratchet made the original, where anything differs."""
    exchanges = (Exchange.load(path) for path in original.exchanges.glob("*.json"))
    made_by = {json.loads(each.answer)["ratchet_version"] for each in exchanges if each.kind == KIND}
    others = sorted(made_by - {metadata.version("ratchet-lab")})
    if not (found and others):
        return found
    what = f"the original was made by version {', '.join(others)}, whose prompts and prose may have been others"
    return (Difference(file="ratchet", what=what), *found)


def studies(original: Campaign) -> tuple[StudyFolder, ...]:
    """List the finished studies up to the first that is not: a study builds on all before it."""
    return tuple(takewhile(lambda study: study.manifest.exists(), original.studies()))


def free_name(original: Campaign) -> str:
    names = (f"{original.name}-replay{f'-{number}' if number > 1 else ''}" for number in count(1))
    return next(name for name in names if not (original.folder.parent / name).exists())


def prepare(original: Campaign, name: str, finished: tuple[StudyFolder, ...]) -> Campaign:
    """Make the replay's folder with all that is taken over."""
    brief = campaign.read_brief(original).model_copy(
        update={
            "name": name,
            "studies": len(finished),
            "budget": Budget(),
            "study_budget": Budget(),
            "approve": (),
            "offline": True,
        }
    )
    made = campaign.create(original.folder.parent, campaign.Brief.model_validate(brief.model_dump()))
    for source in (original.templates, original.calls, original.literature, original.baseline):
        if source.exists():
            shutil.copytree(source, made.folder / source.name)
    for study in finished:
        if study.trials.exists():
            shutil.copytree(study.trials, made.studies_folder / study.folder.name / study.trials.name)
    take_over(original, made)
    return made


def take_over(original: Campaign, made: Campaign) -> None:
    """Copy circumstances, what persons decided, and which studies used up their own budget."""
    journal = Journal(made.ledger, made.exchanges)
    for path in sorted(original.exchanges.glob("*.json")):
        if Exchange.load(path).kind == KIND:
            shutil.copyfile(path, made.exchanges / path.name)
    for entry in entries(original.ledger):
        if entry.event in (Event.decided, Event.overdrawn):
            journal.note(entry.event, entry.key, detail=entry.detail)


def walked(tools: Tools) -> Iterator[Difference]:
    """Walk to the end, or to where the record has no answer."""
    try:
        walk.walk(tools)
    except (LLMError, BudgetReachedError) as error:
        yield Difference(file=tools.campaign.calls.name, what=str(error))


def compare(study: StudyFolder, made: Campaign) -> Iterator[tuple[str, str]]:
    """Give each file of a study with how its replay differs; nothing when it does not."""
    ours = made.studies_folder / study.folder.name
    names = {path.relative_to(study.folder) for path in files(study.folder)}
    names |= {path.relative_to(ours) for path in files(ours)} if ours.exists() else set()
    for name in sorted(names):
        yield f"{study.folder.parent.name}/{study.folder.name}/{name}", unlike(study.folder / name, ours / name)


def trials_of(made: Campaign) -> Iterator[tuple[Path, StudyFolder | None]]:
    """List the records of trials, with their study; none for the baseline's."""
    yield from ((path, None) for path in sorted(made.baseline.glob("*/*/trial.json")))
    for study in made.studies():
        yield from ((path, study) for path in study.ended_trials())


def differing(tools: Tools, finished: tuple[StudyFolder, ...]) -> Iterator[Difference]:
    """Run every trial once more, on the code as the replay wrote it, and name those that measure something else."""
    executor: Executor = tools.executor
    planned = tuple(trials_of(tools.campaign))
    done = executor.map(lambda each: repeated(tools, *each), planned)
    for number, found in enumerate(done, start=1):
        tools.report(Step("run again", len(finished), f"{number} of {len(planned)} trials", number / len(planned)))
        if found:
            yield found


def repeated(tools: Tools, path: Path, study: StudyFolder | None) -> Difference | None:
    recorded = Trial.load(path)
    template, place = tools.templates[recorded.template], path.parent.relative_to(tools.campaign.folder)
    code = study.variant_code(recorded.variant) if study else path.parents[1] / "code"
    if recorded.variant == BASELINE and not code.exists():
        return Difference(file=f"{place}/trial.json", what="the code that it ran is not there")
    tools.pause()
    now = trial.run(
        tools.sandbox,
        template,
        code,
        recorded.variant,
        recorded.seed,
        recorded.scale,
        tools.campaign.folder / AGAIN / place,
    )
    was, found = measured(template, recorded), measured(template, now)
    what = next(unequal(was, found, ""), None)
    return Difference(file=f"{place}/trial.json", what=f"run again, {what}"[:LONGEST]) if what else None


def measured(template: Template, found: Trial) -> dict[str, Any]:
    """Give what two runs of one trial have in common: how it ended, and every measurement but timings."""
    timings = {each.name for each in template.secondary if each.timing}
    kept = {name: value for name, value in found.measurements.items() if name not in timings}
    return {"ending": found.ending.value, **kept}
