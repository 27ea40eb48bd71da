"""What a campaign's language models cost, by study, question and who was asked; and what they may cost beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from agent import ledger, plan, prices
from agent.budget import OPTIONS, Budget
from agent.campaign import Brief, Campaign
from agent.endpoint import Endpoint
from agent.entry import Entry, Event, total
from agent.llm import Usage
from agent.plan import Plan, PlannedCalls, PlannedTrials
from sandboxes.record import Record
from templates.template import Template

COLUMNS = ("calls", "failed", "unsure", "input", "cache read", "cache write", "output", "US dollars", "share")


class Row(Record):
    """The calls that have something in common."""

    name: str
    calls: int
    """Attempts, failed ones included."""
    failed: int
    """Ended without an answer."""
    unsure: int
    """May have been billed up to the upper bound, with which they count: no answer, or no count of tokens, came."""
    usage: Usage
    usd: float
    unsure_usd: float
    """The part of `usd` that belongs to `unsure`."""
    unpriced_tokens: int
    """Tokens whose price nobody knows; they are in no dollar."""
    share: float
    """Of the campaign's dollars, or of its tokens where all is free or unpriced."""


class Report(Record):
    """What language models cost."""

    by_study: tuple[Row, ...]
    by_question: tuple[Row, ...]
    """Most expensive first."""
    by_llm: tuple[Row, ...]
    whole: Row
    papers: int
    """Printed ones."""
    tokens_per_paper: float | None
    """Studies that came to no paper included; None before the first one."""
    usd_per_paper: float | None
    guarded: int
    """Answers that the safeguard refused."""

    def text(self) -> str:
        """Lay it out for a person."""
        if not self.whole.calls:
            return "No language model was asked: nothing was paid."
        parts = (("study", self.by_study), ("question", self.by_question), ("language model", self.by_llm))
        rows = [
            line for title, part in parts for line in (("", *[""] * len(COLUMNS)), heading(title), *map(cells, part))
        ]
        table = aligned([*rows, ("", *[""] * len(COLUMNS)), cells(self.whole)])
        return "\n".join([*table, "", *self._remarks()]).strip("\n")

    def _remarks(self) -> Iterable[str]:
        if self.tokens_per_paper is not None:
            yield (
                f"A paper took {self.tokens_per_paper:,.0f} tokens{self._dollars()}, studies without one included "
                f"({self.papers} printed)."
            )
        if self.whole.unsure:
            yield (
                f"{self.whole.unsure} calls count at their upper bound, ${self.whole.unsure_usd:.4f} in all: no answer "
                f"came, or no count of tokens, and they may have been billed."
            )
        if self.whole.unpriced_tokens:
            yield f"No price is known for {self.whole.unpriced_tokens:,} tokens: they are in no dollar above."
        if self.guarded:
            yield f"The safeguard refused {self.guarded} answers; what it costs is the question 'guard'."

    def _dollars(self) -> str:
        return "" if self.whole.usage.tokens == self.whole.unpriced_tokens else f" and ${self.usd_per_paper:.4f}"


class Expected(Record):
    """What one kind of question may cost in a campaign."""

    asked: PlannedCalls
    usd: float | None
    """Nothing read from a cache. None where no price is known."""
    most_usd: float | None


class Estimate(Record):
    """What a campaign would do and may cost."""

    plan: Plan
    expected: tuple[Expected, ...]
    tokens: int
    most_tokens: int
    usd: float
    """Of what has a price."""
    most_usd: float
    unpriced: tuple[str, ...]
    """Language models whose price nobody knows."""
    budget: Budget
    origin: str
    """Of the figures that the estimate rests on."""

    def text(self) -> str:
        """Lay it out for a person."""
        hours = self.plan.most_seconds / 3600
        trials = [("trials of a study, at most", "scale", "trials", "seconds"), *map(trial_cells, self.plan.trials)]
        lines = [
            f"Studies: {self.plan.studies}. Trials at a time: {self.plan.workers}. They take at most {hours:.1f} h.",
            "",
            *aligned(trials),
            "",
        ]
        if not self.expected:
            return "\n".join([*lines, "The embedded researcher answers every question: no language model is paid."])
        questions = [
            ("question", "asked", "calls", "tokens", "US dollars", "at most"),
            *map(question_cells, self.expected),
        ]
        return "\n".join([*lines, *aligned(questions), "", *self._sums()])

    def _sums(self) -> Iterable[str]:
        yield f"Expected: {self.tokens:,} tokens, ${self.usd:.2f}."
        yield f"At most: {self.most_tokens:,} tokens, ${self.most_usd:.2f}."
        if self.unpriced:
            yield f"No price is known for {', '.join(self.unpriced)}: it is in no dollar above. Give one with --price."
        caps = [
            f"{option} {cap:,}" for name, option in OPTIONS.items() if (cap := getattr(self.budget, name)) is not None
        ]
        yield f"It stops before it goes beyond {', '.join(caps)}." if caps else "No cap is set: --max-usd sets one."
        yield f"The estimate rests on: {' '.join(self.origin.split())}"


def estimate(brief: Brief, templates: Mapping[str, Template]) -> Estimate:
    """Say what a campaign would do and may cost, from its brief alone."""
    planned = plan.plan(brief, templates)
    expected = tuple(expect(brief, asked) for asked in planned.calls)
    return Estimate(
        plan=planned,
        expected=expected,
        tokens=sum(each.asked.usage.tokens for each in expected),
        most_tokens=sum(each.asked.most_usage.tokens for each in expected),
        usd=sum(each.usd or 0.0 for each in expected),
        most_usd=sum(each.most_usd or 0.0 for each in expected),
        unpriced=tuple(dict.fromkeys(each.asked.llm for each in expected if each.usd is None)),
        budget=brief.budget,
        origin=plan.typical().origin,
    )


def expect(brief: Brief, asked: PlannedCalls) -> Expected:
    price = prices.price(asked.llm, brief.endpoints.get(asked.llm, Endpoint()))
    return Expected(
        asked=asked,
        usd=prices.usd(price, asked.usage) if price else None,
        most_usd=prices.usd(price, asked.most_usage) if price else None,
    )


def trial_cells(each: PlannedTrials) -> tuple[str, ...]:
    return (f"{each.template}: {each.stage}", each.scale, f"{each.trials}", f"{each.most_seconds:,.0f}")


def question_cells(each: Expected) -> tuple[str, ...]:
    asked = each.asked
    dollars = ("?" if usd is None else f"{usd:.3f}" for usd in (each.usd, each.most_usd))
    return (f"{asked.purpose} ({asked.role})", asked.llm, f"{asked.calls:.1f}", f"{asked.usage.tokens:,}", *dollars)


def report(campaign: Campaign) -> Report:
    """Say what a campaign has cost so far; raises `DamagedJournalError`."""
    papers = sum(study.paper_pdf.exists() for study in campaign.studies())
    return cost(ledger.read(campaign.ledger), papers)


def cost(entries: Iterable[Entry], papers: int = 0) -> Report:
    """Sum the calls of a ledger; one that is not settled counts at its upper bound."""
    entries = tuple(entries)
    calls = attempts(entries)
    everything = row("all", calls, calls)
    return Report(
        by_study=rows(calls, lambda call: f"{call.study}"),
        by_question=tuple(sorted(rows(calls, lambda call: call.question), key=lambda each: (-each.share, each.name))),
        by_llm=rows(calls, lambda call: call.llm),
        whole=everything,
        papers=papers,
        tokens_per_paper=everything.usage.tokens / papers if papers else None,
        usd_per_paper=everything.usd / papers if papers else None,
        guarded=sum(entry.event is Event.guarded for entry in entries),
    )


def attempts(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Give one entry for each call that was sent: its settlement, or the reservation that has none."""
    settled = {entry.settles for entry in entries}
    return tuple(
        entry
        for entry in entries
        if entry.event is Event.settled or (entry.event is Event.reserved and entry.number not in settled)
    )


def rows(calls: Sequence[Entry], name: Callable[[Entry], str]) -> tuple[Row, ...]:
    """Give a row for each name, in the order of their first calls."""
    named: dict[str, list[Entry]] = {}
    for call in calls:
        named.setdefault(name(call), []).append(call)
    return tuple(row(each, group, calls) for each, group in named.items())


def row(name: str, group: Sequence[Entry], calls: Sequence[Entry]) -> Row:
    spend, whole = total(group), total(calls)
    unsure = [call for call in group if is_unsure(call)]
    return Row(
        name=name,
        calls=len(group),
        failed=sum(bool(call.detail) for call in group),
        unsure=len(unsure),
        usage=sum((call.usage or Usage() for call in group), Usage()),
        usd=spend.usd,
        unsure_usd=total(unsure).usd,
        unpriced_tokens=spend.unpriced_tokens,
        share=spend.usd / whole.usd if whole.usd else spend.tokens / max(1, whole.tokens),
    )


def is_unsure(call: Entry) -> bool:
    return call.uncertain or call.event is Event.reserved


def heading(title: str) -> tuple[str, ...]:
    return (f"by {title}", *COLUMNS)


def cells(row: Row) -> tuple[str, ...]:
    usage = row.usage
    counts = (row.calls, row.failed, row.unsure)
    tokens = (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens, usage.output_tokens)
    return (row.name, *(f"{count:,}" for count in (*counts, *tokens)), f"{row.usd:.4f}", f"{row.share:.0%}")


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Set names to the left and figures to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join([cell[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cell[1:], widths[1:], strict=True))]).rstrip()
        for cell in table
    ]
