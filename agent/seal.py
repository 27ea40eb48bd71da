"""A seal: digests of what a study rests on outside its own folder, set when it is archived.

So a call to a language model, or a trial of the baseline, that was changed afterwards can be named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from agent.campaign import Campaign
from sandboxes.record import Record


class Seal(Record):
    """`seals/<study>.json`."""

    sha256: dict[str, str]
    """Digest of every file, by its path within the campaign, that no earlier seal names."""


def seal(campaign: Campaign, study: str) -> None:
    """Set the seal of a study, once."""
    path = campaign.seals / f"{study}.json"
    if path.exists():
        return
    campaign.seals.mkdir(exist_ok=True)
    sealed = read(campaign)
    Seal(sha256={name: digest for name, digest in digests(campaign) if name not in sealed}).save(path)


def digests(campaign: Campaign) -> Iterator[tuple[str, str]]:
    for folder in (campaign.calls, campaign.baseline, campaign.templates):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield str(path.relative_to(campaign.folder)), sha256(path)


def read(campaign: Campaign) -> dict[str, str]:
    """Join the seals of all studies."""
    joined: dict[str, str] = {}
    for path in sorted(campaign.seals.glob("*.json")):
        joined |= Seal.load(path).sha256
    return joined


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
