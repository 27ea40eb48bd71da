"""A campaign on disk: the only module that knows file names."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import tomli_w
from pydantic import Field, ValidationError

from agent.budget import Budget
from agent.endpoint import Endpoint
from agent.llm import Role
from sandboxes.record import Record, write_atomically
from templates.idea import Idea

HOME = Path("campaigns")
"""Where campaigns are kept when nothing else is said."""

ScaleName = Literal["smoke", "cpu", "gpu", "paper"]
Point = Literal["ideas", "code", "paper"]
"""Where a person may be asked before a study goes on."""
SourceName = Literal["semantic_scholar", "openalex", "arxiv", "crossref"]
"""A service that is asked for literature."""


class Brief(Record):
    """What a campaign was asked to do: `brief.toml`, written once at its start and read at each resume."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    templates: tuple[str, ...] = Field(min_length=1)
    """Names or paths."""
    scale: ScaleName = "cpu"
    studies: int = Field(default=1, ge=1)
    """How many studies to bring to an end."""
    seed: int = 0
    """Of the researcher's own choices; trials have seeds of their own."""
    llms: dict[Role, tuple[str, ...]] = {}
    """Who answers each kind of question: language models as `provider/model`, the later ones when those before fail.
    The embedded researcher answers the kinds that are not named."""
    endpoints: dict[str, Endpoint] = {}
    """What is to be known about a language model, by its name; those left out are taken at their provider's."""
    budget: Budget = Budget()
    """Caps for the whole campaign."""
    study_budget: Budget = Budget()
    """Caps for each study."""
    wait: bool = True
    """Wait for a provider as long as it asks to; otherwise stop, resumable, when it is more than a minute or so."""
    guard: float | None = Field(default=None, ge=0, le=1)
    """Refuse an answer that its language model will not repeat: BLEU under this threshold (PARDEN). None is off."""
    guard_share: float = Field(default=1.0, gt=0, le=1)
    """Of the answers that are guarded."""
    papers: Path | None = None
    """A folder of PDFs that join the embedded library."""
    offline: bool = False
    """Ask no source of literature on the network."""
    sources: dict[SourceName, str] = {}
    """Base addresses of sources of literature that are not asked at their usual one, e.g. behind a proxy."""
    approve: tuple[Point, ...] = ()
    """Where to wait for a person's word."""
    workers: int = Field(default=2, ge=1)
    """Trials at one time."""
    repairs: int = Field(default=2, ge=0)
    fixes: int = Field(default=2, ge=0)
    revisions: int = Field(default=1, ge=0)
    sandbox: str | None = None
    allow_unsafe_host: bool = False


class Holder(Record):
    """Who is writing to a campaign."""

    pid: int
    boot: str
    host: str


class CampaignError(ValueError):
    """A campaign that cannot be made or opened as asked; the message says what to do instead."""


class CampaignLockedError(RuntimeError):
    """Another process is writing to the campaign; the message says which."""


class DraftFolder:
    """Where the files of one version of a paper are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.study = folder / "study.json"
        self.paper = folder / "paper.json"
        self.problems = folder / "problems.json"
        self.verdict = folder / "verdict.json"


class StudyFolder:
    """Where the files of one study are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.idea = folder / "idea.json"
        self.related = folder / "related.json"
        self.code = folder / "code"
        self.diff = folder / "change.diff"
        self.trials = folder / "trials"
        self.comparisons = folder / "comparisons"
        self.outcome = folder / "outcome.json"
        self.figures = folder / "figures"
        self.drawn = self.figures / "drawn.json"
        self.paper = folder / "paper"
        self.paper_pdf = self.paper / "paper.pdf"
        self.withheld = self.paper / "withheld.pdf"
        """A paper that a person did not let pass."""
        self.reviews = folder / "reviews"
        self.verdict = self.reviews / "verdict.json"
        self.review_text = self.reviews / "review.md"
        self.manifest = folder / "manifest.json"

    @property
    def number(self) -> int:
        return int(self.folder.name.split("-", 1)[0])

    @property
    def slug(self) -> str:
        return self.folder.name.split("-", 1)[1]

    def withhold(self) -> None:
        """Keep the printed paper, if there is one, under a name that says that it is none."""
        if self.paper_pdf.exists():
            self.paper_pdf.replace(self.withheld)

    def variant_code(self, variant: str) -> Path:
        return self.code / variant

    def change(self, variant: str) -> Path:
        return self.code / f"{variant}.json"

    def draft(self, number: int) -> DraftFolder:
        return DraftFolder(self.paper / f"draft-{number}")

    def trial(self, variant: str, scale: str, seed: int) -> Path:
        return self.trials / variant / f"{scale}-s{seed}"

    def ended_trials(self) -> tuple[Path, ...]:
        """List the records of trials that count; what was set aside has a dot in its folder's name."""
        return tuple(sorted(path for path in self.trials.glob("*/*/trial.json") if "." not in path.parent.name))

    def comparison(self, stage: str) -> Path:
        return self.comparisons / f"{stage}.json"


class Campaign:
    """Where the files of a campaign are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.brief = folder / "brief.toml"
        self.ledger = folder / "ledger.jsonl"
        self.exchanges = folder / "exchanges"
        self.calls = folder / "calls"
        self.adaptations = folder / "adaptations.json"
        self.literature = folder / "literature"
        self.seals = folder / "seals"
        self.checkpoint = folder / "checkpoint.sqlite"
        self.lock = folder / "lock"
        self.studies_folder = folder / "studies"
        self.baseline = folder / "baseline"
        self.templates = folder / "templates"

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def argument(self) -> str:
        """Name it as a command line does."""
        home = self.folder.parent
        return self.name if home == HOME else f"{self.name} --campaigns {shlex.quote(str(home))}"

    def studies(self) -> tuple[StudyFolder, ...]:
        """List the studies in their order; the last one may be unfinished."""
        if not self.studies_folder.is_dir():
            return ()
        folders = (StudyFolder(path) for path in self.studies_folder.iterdir() if re.match(r"\d{3,}-", path.name))
        return tuple(sorted((study for study in folders if study.idea.exists()), key=lambda study: study.number))

    def study(self, number: int, slug: str) -> StudyFolder:
        return StudyFolder(self.studies_folder / f"{number:03d}-{slug}")

    def open_study(self, number: int, idea: Idea) -> StudyFolder:
        """Make the study's folder and write its idea, before anything of it runs."""
        study = self.study(number, idea.slug)
        study.folder.mkdir(parents=True, exist_ok=True)
        idea.save(study.idea)
        return study

    def baseline_code(self, template: str, digest: str) -> Path:
        return self.baseline / f"{template}-{digest[:12]}" / "code"

    def baseline_trial(self, template: str, digest: str, scale: str, seed: int) -> Path:
        """Baseline trials are shared by all studies of a template: same code, same seed, same number."""
        return self.baseline / f"{template}-{digest[:12]}" / f"{scale}-s{seed}"


def create(home: Path, brief: Brief) -> Campaign:
    """Make the folder of a new campaign.

    Raises `CampaignError` when one of that name is there: it is never overwritten.
    """
    campaign = Campaign(home / brief.name)
    if campaign.brief.exists():
        raise CampaignError(
            f"There is a campaign '{brief.name}' in {home} already. Continue it with "
            f"'ratchet resume {campaign.argument}', or choose another name with --name."
        )
    campaign.folder.mkdir(parents=True, exist_ok=True)
    write_brief(campaign, brief)
    return campaign


def write_brief(campaign: Campaign, brief: Brief) -> None:
    write_atomically(campaign.brief, tomli_w.dumps(brief.model_dump(mode="json", exclude_none=True)))


def find(home: Path, name: str) -> Campaign:
    """Open the campaign called `name`; raises `CampaignError` naming those that exist."""
    campaign = Campaign(home / name)
    if not campaign.brief.exists():
        known = ", ".join(each.name for each in every(home)) or "none yet"
        raise CampaignError(f"There is no campaign '{name}' in {home}. Campaigns there: {known}.")
    return campaign


def every(home: Path) -> tuple[Campaign, ...]:
    if not home.is_dir():
        return ()
    return tuple(Campaign(path.parent) for path in sorted(home.glob("*/brief.toml")))


def read_brief(campaign: Campaign) -> Brief:
    """Read `brief.toml`; raises `CampaignError` with every fault in it."""
    try:
        return Brief.model_validate(tomllib.loads(campaign.brief.read_text()))
    except UnicodeDecodeError as error:
        raise CampaignError(f"{campaign.brief} is not UTF-8 at byte {error.start}. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise CampaignError(f"{campaign.brief} is not TOML: {error}. Mend that line.") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise CampaignError(f"{campaign.brief} does not hold: {'; '.join(faults)}.") from error


@contextmanager
def writing(campaign: Campaign) -> Iterator[None]:
    """Hold the campaign's write lock; it falls with the process, however that ends.

    Raises `CampaignLockedError` when another process holds it. Readers need no lock.
    """
    descriptor = os.open(campaign.lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CampaignLockedError(describe_holder(campaign)) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, this_process().model_dump_json().encode() + b"\n", 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder(campaign: Campaign) -> Holder | None:
    """Say who is writing to the campaign, or was when it was killed."""
    try:
        return Holder.model_validate(json.loads(campaign.lock.read_text()))
    except (OSError, ValueError):
        return None


def describe_holder(campaign: Campaign) -> str:
    who = holder(campaign)
    name = f"process {who.pid} on {who.host}" if who else "another process"
    return (
        f"The campaign '{campaign.name}' is being written to by {name}. "
        f"Wait for it, stop it with Ctrl-C where it runs, or look on with 'ratchet show {campaign.argument}'."
    )


def this_process() -> Holder:
    boot = Path("/proc/sys/kernel/random/boot_id")
    return Holder(pid=os.getpid(), boot=boot.read_text().strip() if boot.exists() else "", host=os.uname().nodename)
