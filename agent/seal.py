"""A seal: digests of a study, and of what it rests on outside its folder, set when it is archived.

So what was changed afterwards can be named, a call to a language model or a trial of the baseline too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.campaign import Campaign, StudyFolder
from agent.difference import Difference
from papers.evidence import Conclusion
from sandboxes.record import Record


class Manifest(Record):
    """What a finished study consists of: `manifest.json`."""

    number: int
    slug: str
    template: str
    conclusion: Conclusion
    paper: str
    """Path of the PDF within the study; empty when none was printed."""
    decision: str
    """The panel's; empty without a review."""
    failure: str = ""
    """Why the study went no further; empty when it went to its end."""
    sha256: dict[str, str]
    """Digest of every file of the study, by its path within it."""


class Seal(Record):
    """What studies rest on: `seals/<study>.json`."""

    sha256: dict[str, str]
    """Digest of every file, by its path within the campaign, that no earlier seal names."""


def seal(campaign: Campaign, study: str) -> None:
    """Set the seal of a study, once."""
    path = campaign.seals / f"{study}.json"
    if path.exists():
        return
    campaign.seals.mkdir(exist_ok=True)
    folders = (campaign.calls, campaign.baseline, campaign.templates)
    found = {str(each.relative_to(campaign.folder)): each for folder in folders for each in files(folder)}
    sealed = read(campaign)
    Seal(sha256={name: sha256(each) for name, each in found.items() if name not in sealed}).save(path)


def read(campaign: Campaign) -> dict[str, str]:
    """Join the seals of all studies."""
    joined: dict[str, str] = {}
    for path in sorted(campaign.seals.glob("*.json")):
        joined |= Seal.load(path).sha256
    return joined


def broken(campaign: Campaign, studies: Iterable[StudyFolder]) -> Iterator[Difference]:
    """Name what was changed, or is gone, since it was sealed."""
    sealed = read(campaign)
    for study in studies:
        inside = study.folder.relative_to(campaign.folder)
        sealed |= {str(inside / name): digest for name, digest in Manifest.load(study.manifest).sha256.items()}
    for name, digest in sealed.items():
        path = campaign.folder / name
        if not path.exists():
            yield Difference(file=name, what="it is gone from the original since the study was archived")
        elif sha256(path) != digest:
            yield Difference(file=name, what="it was changed in the original since the study was archived")


def files(folder: Path) -> list[Path]:
    """List what is whole: a file that a kill left half written begins with a dot."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return [path for path in found if not path.name.startswith(".")]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
