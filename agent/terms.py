"""Terms: from what a command line says to a campaign's brief, and what of it may change later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agent import bootstrap, campaign, selection
from agent.budget import OPTIONS, study_option
from agent.campaign import Brief, Campaign, CampaignError
from agent.selection import Chosen
from templates import catalogue

SETTINGS = "llms.toml"
"""In the user's own folder: what is to be known about language models."""


@dataclass(frozen=True)
class Named:
    """What is said of language models; None where nothing is."""

    specs: list[str] | None = None
    file: Path | None = None
    base_url: str | None = None
    price: str | None = None
    context: int | None = None
    max_output: int | None = None

    def choose(self, before: Chosen) -> Chosen:
        """Choose language models; raises `selection.SelectionError`."""
        file = self.file or bootstrap.own_folder() / SETTINGS
        options = {
            "base_url": self.base_url,
            "price": None if self.price is None else selection.price(self.price),
            "context_tokens": self.context,
            "max_output_tokens": self.max_output,
        }
        known = selection.settings(file, required=self.file is not None)
        return selection.choose(self.specs or (), known, options, before)


@dataclass(frozen=True)
class Changes:
    """What of a brief may change between runs; None leaves it as it is."""

    studies: int | None = None
    wait: bool | None = None
    approve: str | None = None
    budget: Mapping[str, float | None] = field(default_factory=dict)
    study_budget: Mapping[str, float | None] = field(default_factory=dict)
    llms: Named = Named()


def brief(**fields: object) -> Brief:
    """Make a brief; raises `CampaignError` with every fault in it."""
    try:
        return Brief.model_validate(fields)
    except ValidationError as error:
        faults = [f"{option(*each['loc'])}: {asked_for(each)} (got {each['input']!r})" for each in error.errors()]
        raise CampaignError("\n".join(faults)) from error


def asked_for(fault: ErrorDetails) -> str:
    """Say what should stand there; a name's pattern in words."""
    if fault["type"] == "string_pattern_mismatch":
        return "Give at most 64 lower case letters, digits, - and _, the first a letter or a digit"
    return fault["msg"]


def option(*place: int | str) -> str:
    """Name the option that sets this field of a brief."""
    field, cap = str(place[0]), str(place[-1])
    if field in ("budget", "study_budget") and cap in OPTIONS:
        return OPTIONS[cap] if field == "budget" else study_option(cap)
    return f"--{field.replace('_', '-')}"


def changed(before: Brief, changes: Changes) -> Brief:
    """Give the brief as it is with the changes; raises `CampaignError` or `selection.SelectionError`."""
    chosen = changes.llms.choose(Chosen(llms=before.llms, endpoints=before.endpoints))
    single = {"studies": changes.studies, "wait": changes.wait, "approve": points(changes.approve)}
    return brief(
        **before.model_dump()
        | {field: value for field, value in single.items() if value is not None}
        | {"budget": before.budget.model_dump() | given(changes.budget)}
        | {"study_budget": before.study_budget.model_dump() | given(changes.study_budget)}
        | chosen.model_dump()
    )


def given(caps: Mapping[str, float | None]) -> dict[str, float]:
    return {field: cap for field, cap in caps.items() if cap is not None}


def points(text: str | None) -> tuple[str, ...] | None:
    """Read where to wait for a person's word; an empty text is nowhere."""
    return None if text is None else tuple(point.strip() for point in text.split(",") if point.strip())


def sources(words: list[str] | None) -> dict[str, str]:
    """Read `NAME=URL`; raises `CampaignError` for a word that is none, and leaves the names to the brief."""
    wrong = next((word for word in words or () if not re.match(r"\w+=https?://.", word)), None)
    if wrong is not None:
        raise CampaignError(f"--source {wrong} is not NAME=URL: write for example --source arxiv=https://my.proxy/api.")
    return dict(word.split("=", 1) for word in words or ())


def refuse_other_terms(there: Campaign, asked: Brief) -> None:
    """Keep a campaign to the scale, the seed and the templates that it began with."""
    began = campaign.read_brief(there)
    if (began.scale, began.seed, template_names(began)) != (asked.scale, asked.seed, template_names(asked)):
        raise CampaignError(
            f"The campaign '{there.name}' was begun at scale {began.scale}, with seed {began.seed} and templates "
            f"{', '.join(template_names(began))}. Ask for the same to continue it, or for another campaign with --name."
        )


def template_names(asked: Brief) -> tuple[str, ...]:
    return tuple(Path(name).resolve().name for name in asked.templates)


def pinned(asked: Brief) -> Brief:
    """Make the brief's paths independent of the folder that the command ran in."""
    return asked.model_copy(update={"templates": tuple(map(pinned_name, asked.templates))})


def pinned_name(name: str) -> str:
    return name if name in catalogue.names(bootstrap.own_folder()) else str(Path(name).expanduser().resolve())
