"""What a person or a program is told about campaigns and studies."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from agent import approval, archive, cost, ledger
from agent.archive import ArchivedStudy
from agent.budget import Spend
from agent.campaign import Brief, Campaign, CampaignError, StudyFolder, holder, read_brief, this_process
from agent.entry import Entry, spent, spent_on_work
from agent.ledger import DamagedJournalError
from agent.selection import EMBEDDED, KINDS
from reviews.review import Verdict
from sandboxes.record import DamagedRecordError, Record
from templates.idea import Idea
from templates.trial import Trial


class CampaignRow(Record):
    """A campaign in `ratchet list`."""

    name: str
    templates: tuple[str, ...]
    scale: str
    studies: str
    """Finished of asked for."""
    state: str
    wall_seconds: float | None
    usd: float | None
    tokens: int | None = None
    """Of language models; None when none was asked."""


class StudyRow(Record):
    """A study in `ratchet show NAME`."""

    number: int
    idea: str
    conclusion: str
    difference: str
    """Headline difference with its interval."""
    p_holm: float | None
    """Corrected over the ideas tried up to this study, as in its paper."""
    decision: str
    paper: str
    tokens: int | None = None
    """Of language models; None when none was asked."""
    usd: float | None = None
    """None also when the price of some of them is not known."""


class StudyDetails(Record):
    """A study in `ratchet show NAME NUMBER`."""

    row: StudyRow
    folder: str
    hypothesis: str
    prediction: str
    reason: str
    trials: dict[str, int]
    """How many ended how."""
    decided: tuple[str, ...]
    """What persons decided, with their reasons."""
    diff: str
    review: str

    def text(self) -> str:
        """Lay the study out for a person."""
        endings = ", ".join(f"{count} {ending}" for ending, count in self.trials.items()) or "none yet"
        lines = (
            f"Study {self.row.number}: {self.row.idea}",
            f"  hypothesis  {self.hypothesis}",
            f"  predicted   {self.prediction}",
            f"  conclusion  {self.row.conclusion}. {self.reason}",
            f"  difference  {self.row.difference}",
            f"  trials      {endings}",
            *([f"  language    {paid(self.row.tokens, self.row.usd)}"] if self.row.tokens else []),
            f"  panel       {self.row.decision or 'not reviewed'}",
            f"  paper       {self.row.paper or 'not printed'}",
            f"  review      {self.review or 'none'}",
            *(f"  by a person {decided}" for decided in self.decided),
            f"  folder      {self.folder}",
            "",
            self.diff,
        )
        return "\n".join(lines)


def listed(campaign: Campaign) -> CampaignRow:
    """Give a campaign's row; one that cannot be read says why, and hides no other."""
    try:
        return campaign_row(campaign)
    except (CampaignError, DamagedJournalError, DamagedRecordError, OSError) as error:
        return CampaignRow(
            name=campaign.name, templates=(), scale="", studies="", state=str(error), wall_seconds=None, usd=None
        )


def campaign_row(campaign: Campaign) -> CampaignRow:
    brief = read_brief(campaign)
    studies = campaign.studies()
    finished = sum(study.manifest.exists() for study in studies)
    spend = spent(tuple(ledger.read(campaign.ledger)))
    state = standing(campaign) or ("finished" if finished >= brief.studies else "unfinished")
    return CampaignRow(
        name=campaign.name,
        templates=tuple(Path(name).name for name in brief.templates),
        scale=brief.scale,
        studies=f"{finished} of {brief.studies}",
        state="running" if is_running(campaign) else state,
        wall_seconds=spend.wall_seconds,
        usd=spend.usd,
        tokens=spend.tokens or None,
    )


def standing(campaign: Campaign) -> str:
    """Say what waits for a person; empty when nothing does."""
    pending = approval.last_pending(tuple(ledger.read(campaign.ledger)))
    return f"waiting for approval of the {pending.thing} of study {pending.study}" if pending else ""


def is_running(campaign: Campaign) -> bool:
    who, here = holder(campaign), this_process()
    return who is not None and (who.boot, who.host) == (here.boot, here.host) and Path(f"/proc/{who.pid}").exists()


def study_rows(campaign: Campaign) -> tuple[StudyRow, ...]:
    """Give a row for each study, with what its language models took."""
    entries, tried = tuple(ledger.read(campaign.ledger)), archive.read(campaign).studies
    return tuple(study_row(study, entries, tried) for study in campaign.studies())


def study_row(study: StudyFolder, entries: Iterable[Entry], tried: Iterable[ArchivedStudy]) -> StudyRow:
    idea = Idea.load(study.idea)
    spend = spent_on_work(entry for entry in entries if entry.study == study.number)
    past = [each for each in tried if each.number <= study.number]
    outcome = past[-1] if past and past[-1].number == study.number else None
    comparison = outcome.comparison if outcome else None
    return StudyRow(
        number=study.number,
        idea=idea.title,
        conclusion=outcome.conclusion if outcome else "in work",
        difference=(
            f"{comparison.difference:+.3g} [{comparison.low:.3g}, {comparison.high:.3g}], "
            f"n = {len(comparison.seeds)} ({comparison.stage})"
            if comparison
            else ""
        ),
        p_holm=archive.past(past)[-1].p_holm if comparison else None,
        decision=Verdict.load(study.verdict).decision if study.verdict.exists() else "",
        paper=str(study.paper_pdf) if study.paper_pdf.exists() else "",
        tokens=spend.tokens or None,
        usd=spend.usd if spend.tokens and not spend.unpriced_tokens else None,
    )


def study_details(campaign: Campaign, study: StudyFolder) -> StudyDetails:
    entries, tried = tuple(ledger.read(campaign.ledger)), archive.read(campaign).studies
    idea = Idea.load(study.idea)
    endings = Counter(Trial.load(path).ending.value for path in study.ended_trials())
    return StudyDetails(
        row=study_row(study, entries, tried),
        folder=str(study.folder),
        hypothesis=idea.hypothesis,
        prediction=(
            f"{idea.prediction.metric} {idea.prediction.direction} by at least {idea.prediction.smallest_effect:g}, "
            f"written before any trial"
        ),
        reason=next((each.reason for each in tried if each.number == study.number), ""),
        trials=dict(endings),
        decided=approval.history(entries, study.folder.name),
        diff=study.diff.read_text() if study.diff.exists() else "",
        review=str(study.review_text) if study.review_text.exists() else "",
    )


def answerers(brief: Brief) -> str:
    """Say who answers each kind of question."""
    by = {kind: " or ".join(brief.llms.get(kind, (EMBEDDED,))) for kind in KINDS}
    return "; ".join(
        f"{', '.join(kind for kind in KINDS if by[kind] == who)} by {who}" for who in dict.fromkeys(by.values())
    )


def paid(tokens: int | None, usd: float | None) -> str:
    return f"{tokens or 0:,} tokens, {'price unknown' if usd is None else f'${usd:.4f}'}"


def questions(campaign: Campaign) -> list[str]:
    """Say what each question took of language models; nothing when none was asked."""
    report = cost.report(campaign)
    if not report.whole.calls:
        return []
    rows = [
        (row.name, paid(row.usage.tokens, None if row.unpriced_tokens else row.usd))
        for row in (*report.by_question, report.whole)
    ]
    width = max(len(name) for name, _ in rows)
    return [
        f"By question {rows[0][0]:<{width}}  {rows[0][1]}",
        *(f"{'':<12}{name:<{width}}  {text}" for name, text in rows[1:]),
    ]


def unprinted(study: StudyFolder) -> str:
    return f"not printed: see {study.paper}" if study.paper.exists() else "none was written"


def unpriced(spend: Spend) -> str:
    return f" and {spend.unpriced_tokens:,} tokens whose price is not known" if spend.unpriced_tokens else ""


def summary(campaign: Campaign) -> str:
    """Say at the end of a run where everything is, what it took, and what to try next."""
    spend = spent(tuple(ledger.read(campaign.ledger)))
    program = sys.argv[0] if not Path(sys.argv[0]).is_absolute() else "ratchet"
    lines = [""]
    for study, told in zip(campaign.studies(), study_rows(campaign), strict=True):
        lines += [
            f"Study {told.number}: {told.idea}",
            f"  {told.conclusion}: {told.difference or 'no comparison'}; panel: {told.decision or 'not reviewed'}",
            f"  paper     {told.paper or unprinted(study)}",
            f"  review    {study.review_text if study.review_text.exists() else 'none'}",
        ]
    return "\n".join(
        [
            *lines,
            f"Campaign    {campaign.folder}",
            f"Took        {spend.wall_seconds:.0f} s of wall time, ${spend.usd:.2f}{unpriced(spend)}",
            *questions(campaign),
            f"Next        {program} show {campaign.argument} 1        what changed, and what every trial gave",
            f"            {program} resume {campaign.argument} --studies {len(campaign.studies()) + 2}   let it go on",
        ]
    )
