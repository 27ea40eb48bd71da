"""The briefing of a writer: what a study's prose may rest on, the same bytes for the same measurements.

Times and costs differ from one run of a study to the next, so a writer is told that there are such facts and not what
they are: neither a prompt nor a check of an answer depends on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.prompting import render
from papers import bibliography
from papers.compose import compose
from papers.facts import Fact, arm, facts, headline
from papers.manuscript import labelled, write
from papers.marks import Number, flat
from papers.numerals import spell
from papers.paper import Block, Figure, Listing, Paper, Section, Table
from papers.places import places
from papers.study import FigureFile, Study

UNSEEN = 987_654_321.0
"""Stands for the value of a fact that is not shown."""
CSV_CHARACTERS = 2_400
"""Of the data behind a figure that are shown."""
CSV_DIGITS = 4
ABSTRACT_CHARACTERS = 400
"""Of a record's abstract that are shown."""
WRITABLE = ("Introduction", "Background and related work", "Method", "Results", "Limitations", "Conclusion")
"""Titles of the sections whose prose a writer writes; the others account for what was done, and are composed."""
LEFT_OUT = ("seed", "leave_one_out", "seeds_needed", "missing")
TELLING = ("variant", "reference", "difference", "low", "high")
COSTS = "cost.trial."
"""Facts that only a computed table names."""
SIDES = (".variant", ".reference")
QUIET = ("limit.", "quoted.", "background.", "past.", "trials.of.", "seeds.")
"""Facts that are listed only where the material names them."""


@dataclass(frozen=True)
class Briefing:
    """All that the prompts of one study's writing are made from."""

    study: Study
    """Without what differs from run to run."""
    facts: dict[str, Fact]
    """What prose may name; the values of times and costs are hidden."""
    hidden: frozenset[str]
    """Keys whose values are not shown."""
    paper: Paper
    """Composed by rules from `study`: the material."""
    timed: frozenset[str]
    """Names of the measurements that are times."""

    def section(self, title: str) -> Section | None:
        return next((each for each in self.paper.sections if each.title == title), None)

    def context(self) -> str:
        """Say what every request of this study's writing needs to know; the same for all of them."""
        study = self.study
        return render(
            "paper",
            study=study,
            metric=study.template.metric,
            arm=arm(found) if (found := headline(study)) and "headline.p_holm" in self.facts else "",
            facts=list(self._lines()),
            seeds={arm(each): each.seeds for each in study.comparisons},
            hidden=[f"{key} ({self.facts[key].unit})" for key in sorted(self.hidden) if not key.startswith(COSTS)],
            exhibits=[
                f"[#{block.label}] in “{section.title}”: {_caption(block)}"
                for section in self.paper.sections
                for block in section.blocks
                if isinstance(block, Table | Figure | Listing)
            ],
            records="\n".join(_record(entry) for entry in self._entries()),
        )

    def figures(self) -> str:
        """Show the data behind the figures, a bounded part of each."""
        return "\n\n".join(_data(figure, self.timed) for figure in self.study.figures)

    def _entries(self) -> Iterator[bibliography.Entry]:
        """Give the records that may be cited, those that the survey ranked first."""
        known = {each.key: each for each in bibliography.read(self.study.bibliography) if not bibliography.lacks(each)}
        ranked = dict.fromkeys((*self.study.cited, *known))
        return (known[key] for key in ranked if key in known)

    def prose(self) -> Iterator[Section]:
        """Give the sections that a writer may write."""
        return (section for section in self.paper.sections if section.title in WRITABLE)

    def _lines(self) -> Iterator[str]:
        """List facts, those of one arm or kind on a line: what they share is said once."""
        named = {key for section in self.prose() for key in _named(section)}
        groups: dict[str, list[str]] = {}
        quoted: dict[str, list[str]] = {}
        for key, fact in self.facts.items():
            if key in self.hidden or not (key in named or _listed(key, fact, self.study)):
                continue
            if key.startswith(("background.", "quoted.")):
                quoted.setdefault(fact.source, []).append(f"{key} = {spell(key, '', self.facts)}")
            else:
                groups.setdefault(_stem(key, self.study), []).append(key)
        yield from (self._line(stem, keys) for stem, keys in groups.items())
        yield from (f"{', '.join(keys)}: {source}" for source, keys in quoted.items())

    def _line(self, stem: str, keys: list[str]) -> str:
        unit = self.facts.get(f"{stem}.variant", self.facts[keys[0]]).unit
        told = [
            f"{key.removeprefix(stem)} = {spell(key, '', self.facts)}{_own_unit(self.facts[key].unit, unit)}"
            for key in keys
        ]
        head = f"{stem} ({unit}):" if unit else f"{stem}:"
        return f"{stem}{told[0]} {unit}".rstrip() if keys == [stem] else f"{head} {', '.join(told)}"


def briefing(study: Study, requests: frozenset[str]) -> Briefing:
    """Gather what may be shown of `study`."""
    steady = without_times(study)
    known, shown = facts(study), facts(steady)
    # A difference has a sign, and which one it has may change from run to run.
    hidden = {key for key in unsteady(study, known) if key.startswith("cost.") or key.endswith(SIDES)}
    masked = {key: known[key].model_copy(update={"value": UNSEEN, "source": ""}) for key in sorted(hidden)}
    return Briefing(steady, {**shown, **masked}, frozenset(hidden), compose(steady, requests), timed(study))


def unsteady(study: Study, keys: Iterable[str]) -> frozenset[str]:
    """Name the facts that differ when the trials of `study` are run again."""
    return frozenset(key for key in keys if key.startswith("cost.") or timed(study) & set(key.split(".")))


def timed(study: Study) -> frozenset[str]:
    return frozenset(each.name for each in study.template.secondary if each.timing)


def without_times(study: Study) -> Study:
    """Take from a study what differs when its trials are run again: times, memory, money, and what measures them."""
    times = timed(study)
    trials = tuple(
        trial.model_copy(
            update={
                "measurements": {name: value for name, value in trial.measurements.items() if name not in times},
                "wall_seconds": 0.0,
                "cpu_seconds": None,
                "peak_memory_bytes": None,
            }
        )
        for trial in study.trials
    )
    kept = tuple(each for each in study.template.secondary if not each.timing)
    made = {
        "wall_seconds": 0.0,
        "trial_cpu_seconds": 0.0,
        "spend_usd": 0.0,
        "tokens": 0,
        "software": {},
        "hardware": "",
    }
    return study.model_copy(
        update={
            "trials": trials,
            "provenance": study.provenance.model_copy(update=made),
            "template": study.template.model_copy(update={"secondary": kept}),
        }
    )


def without_records(study: Study, keys: Iterable[str]) -> Study:
    """Take records from what a study may cite."""
    gone = frozenset(keys)
    if not gone:
        return study
    kept = (entry for entry in bibliography.read(study.bibliography) if entry.key not in gone)
    cited = tuple(key for key in study.cited if key not in gone)
    nearest = tuple(each for each in study.nearest if each.key not in gone)
    return study.model_copy(update={"bibliography": bibliography.write(kept), "cited": cited, "nearest": nearest})


def material(section: Section) -> str:
    """Show a composed section as a manuscript."""
    return write(section, section)


def placeholders(section: Section) -> list[str]:
    """Say what a section has to place, and what each is."""
    return [f"{{{{{block.kind}:{label}}}}} {_caption(block)}".strip() for label, block in labelled(section).items()]


def _listed(key: str, fact: Fact, study: Study) -> bool:
    """Tell whether a fact is worth its tokens: not those of single seeds, and side effects of the headline only."""
    parts = key.split(".")
    if set(parts) & set(LEFT_OUT) or key.startswith(QUIET) or (fact.kind == "counted" and not fact.value):
        return False
    secondary = {each.name for each in study.template.secondary} & set(parts)
    first = headline(study)
    return not secondary or (first is not None and key.startswith(f"{arm(first)}.") and parts[-1] in TELLING)


def _stem(key: str, study: Study) -> str:
    """Name what a fact belongs to: an arm, a secondary measurement of one, or a kind of fact."""
    arms = {arm(each) for each in study.comparisons}
    stems = arms | {f"{name}.{each.name}" for name in arms for each in study.template.secondary}
    return max((stem for stem in stems if key.startswith(f"{stem}.")), key=len, default=key.partition(".")[0])


def _own_unit(unit: str, shared: str) -> str:
    return f" {unit}" if unit and unit != shared else ""


def _named(section: Section) -> Iterator[str]:
    """Give the keys of the facts that a section's prose names."""
    prose = section.model_copy(update={"blocks": tuple(b for b in section.blocks if b.kind in {"paragraph", "items"})})
    for place in places(Paper(title="", author="", abstract="", sections=(prose,))):
        yield from (span.key for span in flat(place.text) if isinstance(span, Number))


def _caption(block: Block) -> str:
    return block.caption if isinstance(block, Table | Figure | Listing) else ""


def _record(entry: bibliography.Entry) -> str:
    fields = entry.fields
    where = next((fields[name] for name in ("journal", "booktitle", "howpublished") if fields.get(name)), "")
    about = f" {fields['abstract'][:ABSTRACT_CHARACTERS]}" if fields.get("abstract") else ""
    names = fields.get("author", fields.get("editor", "")).split(" and ")
    told = (names[0] + (" et al" if names[1:] else ""), str(bibliography.year(entry) or ""), fields["title"], where)
    return f"[@{entry.key}] {'. '.join(filter(None, told))}.{about}"


def _data(figure: FigureFile, times: frozenset[str]) -> str:
    """Show the head of a figure's data, rounded; rows and columns that hold a timing are left out."""
    if not figure.csv.is_file():
        return f"{figure.name}.csv is not there."
    rows = [line.split(",") for line in figure.csv.read_text(errors="replace").splitlines()]
    columns = [place for place, name in enumerate(rows[0] if rows else []) if name.strip() not in times]
    lines = [
        ",".join(_rounded(row[place]) for place in columns if place < len(row)) for row in rows if not times & set(row)
    ]
    shown: list[str] = []
    for line in lines:
        if sum(map(len, shown)) + len(line) > CSV_CHARACTERS:
            break
        shown.append(line)
    rest = f"\n… and {len(lines) - len(shown)} more lines" if len(lines) > len(shown) else ""
    return f"{figure.name}.csv:\n" + "\n".join(shown) + rest


def _rounded(cell: str) -> str:
    try:
        return f"{float(cell):.{CSV_DIGITS}g}" if "." in cell else cell
    except ValueError:
        return cell
