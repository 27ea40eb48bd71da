"""A study as a paper sees it: everything a writer may use, and nothing that was not recorded."""

from __future__ import annotations

from pathlib import Path

from papers.evidence import Comparison, Conclusion
from sandboxes.record import Record
from templates.idea import Idea
from templates.template import Template
from templates.trial import Trial


class FigureFile(Record):
    """A figure that `plot.py` drew, with the data behind it."""

    name: str
    """File stem; `<name>.pdf` and `<name>.csv` lie in the study's `figures/`."""
    pdf: Path
    csv: Path
    caption: str
    pdf_sha256: str
    csv_sha256: str


class Nearest(Record):
    """A published work close to the idea."""

    key: str
    """Of a record of the literature."""
    difference: str
    """What the idea asks that this work does not answer."""


class PastStudy(Record):
    """One idea tried in this campaign, shown or not."""

    number: int
    slug: str
    title: str
    conclusion: Conclusion
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    """Holm-corrected over all ideas of the campaign that reached a comparison."""


class Provenance(Record):
    """How the paper was made."""

    campaign: str
    researchers: dict[str, str]
    """Kind of question to who answered it: `embedded`, or a language model's id as served."""
    ratchet_version: str
    template_digest: str
    variant_digest: str
    hardware: str
    software: dict[str, str]
    """Package to version, as found in the sandbox."""
    sandbox: str
    """Backend and level, e.g. `bubblewrap (namespace)`."""
    wall_seconds: float
    trial_cpu_seconds: float
    spend_usd: float
    tokens: int = 0
    """Read and written by language models."""
    unpriced_tokens: int = 0
    """Those of them whose price is not known; they are in no dollar."""
    command: str
    """Repeats the campaign."""
    from_record: bool = False
    """The command repeats what is on record, and asks nobody anew."""
    hands: tuple[str, ...] = ()
    """What persons decided or changed, a sentence each."""


class Study(Record):
    number: int
    slug: str
    scale: str
    template: Template
    background: str
    """The template's README, Markdown."""
    idea: Idea
    diff: str
    """Unified diff of the editable files, baseline to variant."""
    conclusion: Conclusion
    reason: str
    """Why the conclusion is what it is, one sentence without numbers."""
    comparisons: tuple[Comparison, ...]
    p_holm: float | None
    """Of the headline comparison, over all ideas tried in the campaign."""
    ablated: dict[str, str] = {}
    """Ablation variant to the knob it turns back."""
    trials: tuple[Trial, ...]
    """Every trial of the study and the shared baseline trials it used; failures included."""
    figures: tuple[FigureFile, ...]
    bibliography: str
    """BibTeX of the records the survey found; the only source of citations."""
    cited: tuple[str, ...]
    """Keys the survey judged related, most related first."""
    nearest: tuple[Nearest, ...] = ()
    """What the survey judged nearest to the idea, as evidence for its novelty."""
    tried: tuple[PastStudy, ...]
    """All ideas of the campaign so far, this one included, in order."""
    provenance: Provenance
