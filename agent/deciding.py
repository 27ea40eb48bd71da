"""Deciding: how a person's word on what waits gets into the journal; an edit is held to the checks of any answer."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from agent import approval, bootstrap, campaign, dossier
from agent.approval import Decision, Pending, Thing
from agent.archive import after
from agent.campaign import Campaign, CampaignError, StudyFolder, read_brief
from agent.entry import Event
from agent.questions import CodeChange
from agent.researchers import coding
from agent.researchers.forms import Misfit
from papers import checks
from papers.facts import facts
from papers.notice import is_signed
from papers.paper import Paper
from papers.prose.appendix import NOTICE
from sandboxes.record import write_atomically
from templates import source
from templates.idea import Idea
from templates.source import SourceError
from templates.template import Template

EDITS = "edits"
"""Folder of the campaign where a person's copies lie."""


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


def edit(found: Campaign, pending: Pending, file: Path | None, environment: Mapping[str, str] = os.environ) -> Decision:
    """Have a person change what waits: by the file they give, or else in their editor.

    Raises `CampaignError` with everything that is wrong with what they wrote; their copy is kept.
    """
    study = StudyFolder(found.studies_folder / pending.study)
    template = bootstrap.own_templates(found, read_brief(found))[Idea.load(study.idea).template]
    laid = copies(found, pending, template)
    if file is not None:
        return amend(found, pending, template, {named(laid, file): text(file)})
    program = shlex.split(environment.get("VISUAL") or environment.get("EDITOR") or "vi")
    try:
        subprocess.run([*program, *map(str, laid.values())], check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise CampaignError(
            f"The editor did not end well ({error}). Set EDITOR to another one, or change a copy of "
            f"{' or '.join(map(str, laid.values()))} and give it with --with FILE."
        ) from error
    return amend(found, pending, template, {name: text(path) for name, path in laid.items()})


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


def copies(campaign: Campaign, pending: Pending, template: Template) -> dict[str, Path]:
    """Lay out for editing what waits, by name; a copy that is there is kept, since somebody worked on it."""
    folder = campaign.folder / EDITS / pending.key.replace("/", "-")
    laid = {name: folder / name for name in texts(campaign, pending, template)}
    for name, text in texts(campaign, pending, template).items():
        if not laid[name].exists():
            laid[name].parent.mkdir(parents=True, exist_ok=True)
            write_atomically(laid[name], text)
    return laid


def texts(campaign: Campaign, pending: Pending, template: Template) -> dict[str, str]:
    """Give the files that a person may edit: of code those that differ from the template's."""
    subject = campaign.folder / pending.subject
    if pending.point != "code":
        return {"idea.json" if pending.point == "ideas" else "paper.json": subject.read_text()}
    files = CodeChange.load(subject).files
    unchanged = source.editable(template)
    return {name: text for name, text in files.items() if text != unchanged[name]} or files


def amend(campaign: Campaign, pending: Pending, template: Template, edited: Mapping[str, str]) -> Decision:
    """Read what a person wrote, by the names of the files they were given.

    Raises `CampaignError` with everything that is wrong with it.
    """
    thing = read(campaign, pending, template, edited)
    if approval.digest(thing) == pending.digest:
        raise CampaignError(f"Nothing was changed. Go on as it is with 'ratchet approve {campaign.argument}'.")
    if found := tuple(faults(campaign, pending, template, thing)):
        raise CampaignError(f"This {pending.thing} cannot stand:\n" + "\n".join(f"  {fault}" for fault in found))
    return Decision(word="edited", text=thing.model_dump_json(), after=approval.digest(thing))


def read(campaign: Campaign, pending: Pending, template: Template, edited: Mapping[str, str]) -> Thing:
    if pending.point == "code":
        return code(campaign, pending, template, edited)
    form: type[Idea | Paper] = Idea if pending.point == "ideas" else Paper
    try:
        return form.model_validate_json(*edited.values())
    except ValidationError as error:
        found = (f"  {'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors())
        raise CampaignError(f"This {pending.thing} does not have its form:\n" + "\n".join(found)) from error


def code(campaign: Campaign, pending: Pending, template: Template, edited: Mapping[str, str]) -> CodeChange:
    files = {**source.editable(template), **CodeChange.load(campaign.folder / pending.subject).files, **edited}
    changes = () if any(code_faults(template, files)) else coding.exactly(template, files)
    return CodeChange(files=files, changes=changes, note="Written by a person.")


def faults(campaign: Campaign, pending: Pending, template: Template, thing: Thing) -> Iterator[str]:
    study = StudyFolder(campaign.studies_folder / pending.study)
    match thing:
        case Idea():
            yield from idea_faults(campaign, study, template, thing)
        case CodeChange():
            yield from code_faults(template, thing.files)
        case Paper():
            yield from paper_faults(study, draft_of(pending), template, thing)


def idea_faults(campaign: Campaign, study: StudyFolder, template: Template, idea: Idea) -> Iterator[str]:
    before = Idea.load(study.idea)
    for name in ("slug", "template", "lineage"):
        if getattr(idea, name) != getattr(before, name):
            yield f"{name}: names the study and stays as it was."
    if idea.prediction.metric != template.metric.name:
        yield f"prediction.metric: is {idea.prediction.metric!r}; {template.name} measures {template.metric.name!r}."
    if not idea.changes and not (idea.plan and "code" in read_brief(campaign).llms):
        yield "changes: turn a knob, or say in plan how the code should change, if a language model is to write it."
    try:
        source.apply(template, idea.changes)
    except SourceError as error:
        yield f"changes: {error}"
        return
    earlier = dossier.before(campaign, study.number).earlier(template, after(idea.changes)) if idea.changes else None
    if earlier:
        yield f"changes: study {earlier.number} tried the same, or nearly the same."


def code_faults(template: Template, files: Mapping[str, str]) -> Iterator[str]:
    if found := source.faults(template, files):
        yield from found
        return
    try:
        source.settings(template, files)
        coding.unlike(files, source.editable(template), "It does what the template's own code does.")
    except (SourceError, Misfit) as error:
        yield str(error)


def draft_of(pending: Pending) -> int:
    return int(Path(pending.subject).parent.name.removeprefix("draft-"))


def paper_faults(study: StudyFolder, draft: int, template: Template, paper: Paper) -> Iterator[str]:
    """Hold the paper to the gates that stop a draft at the press."""
    if not is_signed(paper):
        yield f"The paragraph headed {NOTICE!r} is gone: put it back; what it says is written anew."
    told = dossier.told_in(study, draft, template)
    found = checks.check(paper, facts(told), told.figures, told.bibliography, template.metric.better)
    yield from (str(problem) for problem in found if problem.stops)
