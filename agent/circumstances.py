"""Circumstances: what enters a paper and follows from no question, read once for each draft and kept.

Hardware, versions, time and money differ from one walk to the next. They are an exchange of the journal, so that a
step that runs again, and a replay on another machine, tell the same.
"""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

from agent import approval
from agent.campaign import StudyFolder
from agent.entry import Event
from agent.state import Tools
from sandboxes.record import Record

KIND = "circumstances"
"""Of the exchange."""
SOFTWARE = ("numpy", "scipy", "matplotlib", "jax", "torch")
"""Packages whose versions a paper states, where they are installed."""


class Drafting(Record):
    """Under which circumstances is this draft written?"""

    study: str
    """Name of the study's folder."""
    draft: int
    writer: str
    """Another one who takes over a draft begins it anew."""


class Circumstances(Record):
    campaign: str
    command: str
    from_record: bool = False
    """The command asks nobody anew."""
    researchers: dict[str, str]
    hands: tuple[str, ...]
    ratchet_version: str
    hardware: str
    software: dict[str, str]
    wall_seconds: float
    spend_usd: float
    tokens: int = 0
    unpriced_tokens: int = 0


def circumstances(tools: Tools, study: StudyFolder, draft: int) -> Circumstances:
    """Give what was found when this draft was first begun."""
    question = Drafting(study=study.folder.name, draft=draft, writer=tools.researchers["writing"].name)
    return tools.journal.answer(KIND, question, Circumstances, lambda: found(tools, study))


def found(tools: Tools, study: StudyFolder) -> Circumstances:
    spend, paid = tools.journal.since(Event.study_opened, study.folder.name), tools.journal.study_spend()
    return Circumstances(
        campaign=tools.campaign.name,
        command=command(tools),
        from_record=from_record(tools),
        researchers=answered_by(tools, study),
        hands=approval.hands(tools.journal.entries, study.folder.name),
        ratchet_version=metadata.version("ratchet-lab"),
        hardware=hardware(),
        software={"Python": platform.python_version()}
        | {name: version for name in SOFTWARE if (version := installed(name))},
        wall_seconds=spend.wall_seconds,
        spend_usd=paid.usd,
        tokens=paid.tokens,
        unpriced_tokens=paid.unpriced_tokens,
    )


def answered_by(tools: Tools, study: StudyFolder) -> dict[str, str]:
    """Name who answered which kind of question, or will; one name when it is one for all.

    The campaign may have gone on with another language model since the idea and its code.
    """
    names: dict[str, str] = {kind: researcher.name for kind, researcher in tools.researchers.items()}
    answered = [each for each in tools.journal.entries if each.event is Event.answered and each.study == study.number]
    for kind in ("ideas", "code"):
        found = dict.fromkeys(each.llm for each in answered if each.detail == kind and each.llm)
        names[kind] = " and ".join(found) or names[kind]
    return {"all": next(iter(names.values()))} if len(set(names.values())) == 1 else names


def hardware() -> str:
    """Name the processor, the cores that this process may use, and the memory."""
    import psutil

    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = psutil.virtual_memory().total / 2**30
    return f"{names[0] if names else platform.processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB of memory"


def installed(package: str) -> str:
    """Give the package's version, or nothing where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def from_record(tools: Tools) -> bool:
    """Say whether only the campaign's record repeats it: what language models or persons said, or a user's papers."""
    brief = tools.brief
    decided = any(entry.event is Event.decided for entry in tools.journal.entries)
    return bool(brief.llms or brief.approve or brief.papers or decided)


def command(tools: Tools) -> str:
    """Give the command that repeats the campaign."""
    brief = tools.brief
    if from_record(tools):
        return f"ratchet replay {brief.name} --again"
    names = " ".join(Path(name).name for name in brief.templates)
    return (
        f"ratchet run {names} --name {brief.name} --scale {brief.scale} --studies {brief.studies} --seed {brief.seed}"
    )
