"""Design: how the experiment was set up, and whether somebody else could run it again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviews.document import Document, Grid, Passage, quote
from reviews.finding import Finding, Rule, question, strength, weakness
from reviews.headline import headline

BEFORE = r"before (?:any|the first|every) (?:trial|run|experiment)|pre-?registered|stated in advance|fixed in advance"
FAILED = r"\b(?:trials?|runs?|seeds?)\b.*\b(?:fail|crash|missing|timed out|out of memory|ended|finished|lost|excluded)"
BASELINE = r"\b(?:baseline|reference|unchanged)\b"
SEVERAL = (
    r"\b(?:several|two|three|four|five|six) (?:settings|changes|knobs|parts) (?:of the method|at once|together)"
    r"|\bchange has these parts"
)
ABLATION = r"\bablat|turn(?:s|ed|ing) (?:\w+ ){1,4}back|one change at a time|each change (?:alone|by itself)"
SEPARATE = r"\bscore\w*\b.*\b(?:separate|second job|fresh sandbox|cannot reach|read-only|frozen)\b|frozen scorer"
COST = r"\b(?:CPU|GPU|wall|core|compute)[- ](?:seconds|minutes|hours|time)|\bseconds of (?:CPU|wall|GPU|processor)"
NARROW = r"\b(?:single|one|only one) (?:template|benchmark|data ?set|environment|domain)\b"
WIDE = (
    r"\b(?:two|three|four|five|six|several|[2-9]|\d\d) (?:\w+ )?"
    r"(?:environments|data ?sets|benchmarks|templates|domains|tasks)\b"
)
DENIED = re.compile(r"\b(?:no|not|nor|never|without|only)\b", re.IGNORECASE)
SMALL = r"\bscale `?(?:smoke|cpu)|\b(?:smoke|cpu|small|reduced|toy) scale\b|\bscale (?:is|was) (?:small|reduced)"
STRONGER = (
    r"\b(?:published|stronger|strongest|best[- ]known|competing|other) (?:\w+ ){0,2}?(?:methods?|baselines?|results?)"
)

REPEATING = {
    "the command that repeats it": r"\bcommand\b|ratchet run|\bpython \S+\.py|github\.com|code is available",
    "the seeds by number": r"\bseeds?[:,]? (?:\w+ ){0,2}\d+(?:, | to |–|-)\d+|seeds \d",
    "the hardware": r"\bhardware\b|\bCPUs?\b|\bGPUs?\b|\bcores?\b|\bGiB\b|\bGB\b",
    "software versions": r"\b(?:python|numpy|jax|torch|pytorch|software)\b[^.]{0,20}\d+\.\d+|\bversions?\b",
}


def baseline_is_described(document: Document) -> Iterator[Finding]:
    told = document.first(BASELINE)
    if told:
        yield strength("clarity", 0.5, quote(told), "What the change is compared with is said in so many words.")
    else:
        text = "What the result is compared with is not said: no sentence names a baseline or a reference."
        yield weakness("soundness", 2, document.place("method", "set-up", "experiment"), text)


def hypothesis_before_trials(document: Document) -> Iterator[Finding]:
    told = document.first(BEFORE)
    if told:
        text = "The prediction was written down before the trials, so it could have failed."
        yield strength("soundness", 1.5, quote(told), text)
    else:
        text = "Nothing says whether the hypothesis was stated before the results were seen."
        yield weakness("soundness", 1, document.place("introduction", "method"), text)


def failures_are_counted(document: Document) -> Iterator[Finding]:
    told = document.first(FAILED)
    if told:
        yield strength("soundness", 0.5, quote(told), "How the trials ended is told, failures included.")
    else:
        text = "Did every trial finish? The paper does not count those that failed or were left out."
        yield question("soundness", 1, document.place("result", "experiment"), text)


def ablation_of_several_changes(document: Document) -> Iterator[Finding]:
    table = next((grid for grid in document.tables if _changes(grid) > 1), None)
    several, ablated = document.first(SEVERAL), document.first(ABLATION)
    if ablated:
        yield strength("soundness", 1, quote(ablated), "Which change carries the effect was tried one by one.")
    elif table or several:
        place = table.label if table else quote(several or "")
        text = "Several changes were made together; which of them carries the effect is not shown."
        yield weakness("soundness", 1.5, place, text)


def scorer_is_apart(document: Document) -> Iterator[Finding]:
    told = document.first(SEPARATE)
    if told:
        text = "The score is computed apart from the code under study, which cannot reach it."
        yield strength("soundness", 1, quote(told), text)


def can_be_repeated(document: Document) -> Iterator[Finding]:
    missing = [what for what, pattern in REPEATING.items() if not document.mentions(pattern)]
    place = document.place("reproduc", "made", "set-up", "experiment")
    if not missing:
        text = f"The paper gives what repeats it: {', '.join(REPEATING)}."
        yield strength("soundness", 1, place, text)
    else:
        weight = 0.5 * len(missing)
        yield weakness("soundness", weight, place, f"To repeat the work, {_joined(missing)} would be needed.")


def compute_cost(document: Document) -> Iterator[Finding]:
    by_arm = next((grid for grid in document.tables if re.search(COST, grid.text, re.IGNORECASE)), None)
    if by_arm:
        text = f"{by_arm.label} gives the computing time beside the result."
        yield strength("significance", 0.5, by_arm.label, text)
    elif headline(document):
        text = "What the change costs in computing time against its baseline is not tabulated."
        place = document.place("result", "made", "reproduc")
        yield weakness("significance", 0.5, place, text, "compute-cost")


def change_is_shown_as_code(document: Document) -> Iterator[Finding]:
    place = document.place("method", "change", "approach")
    if document.listings:
        count = "one listing" if document.listings == 1 else f"{document.listings} listings"
        yield strength("clarity", 0.5, place, f"The change is shown as code ({count}).")
    elif not document.equations:
        text = "The change is told in words only: neither an equation nor a listing says what exactly was done."
        yield weakness("clarity", 1.5, place, text)


def generality(document: Document) -> Iterator[Finding]:
    wide, narrow = _affirmed(document, WIDE), document.first(NARROW)
    if wide:
        yield strength("significance", 1, quote(wide), "The finding was looked for in more than one setting.")
    else:
        place = quote(narrow) if narrow else document.place("result", "experiment", "set-up")
        text = "As far as the text says, one setting was studied; whether the finding holds in another is not shown."
        yield weakness("significance", 1.5, place, text)


def scale(document: Document) -> Iterator[Finding]:
    small = document.first(SMALL)
    if small:
        text = "Does the effect persist at the size at which the method was published?"
        yield question("significance", 1, quote(small), text)


def stronger_baseline(document: Document) -> Iterator[Finding]:
    compared, told = _affirmed(document, STRONGER), document.first(STRONGER) or document.first(BASELINE)
    if compared:
        yield strength("significance", 1, quote(compared), "The change is set against a published method as well.")
    else:
        place = quote(told) if told else document.place("result", "experiment")
        text = "The change is compared with its own starting point only, not with a stronger published method."
        yield weakness("significance", 1.5, place, text)


def limitations(document: Document) -> Iterator[Finding]:
    section = document.section("limitation")
    if section is None:
        text = f"“{document.title}” states no limitations."
        yield weakness("soundness", 2, document.place("discussion", "conclusion"), text)
    elif _specific(section):
        text = f"The {len(section.sentences)} sentences on limitations name what was not covered."
        yield strength("soundness", 1, section.title, text)
    else:
        text = "The limitations are general: they name no number, seed, scale or setting of this study."
        yield weakness("soundness", 1, section.title, text)


def _affirmed(document: Document, pattern: str) -> str | None:
    return next((sentence for sentence in document.matching(pattern) if not DENIED.search(sentence)), None)


def _changes(grid: Grid) -> int:
    header = " ".join(grid.header).lower()
    turned = re.search(r"\bbefore\b|baseline|reference|from", header) and re.search(r"\bafter\b|variant|\bto\b", header)
    knobs = re.search(r"\b(?:knob|setting|parameter|change|option)s?\b", f"{header} {grid.caption.lower()}")
    return len(grid.rows) if turned and knobs and "difference" not in header else 0


def _specific(section: Passage) -> bool:
    named = r"\d|\bseeds?\b|\bscale\b|\btemplate\b|\bbenchmark|\bdata ?set|\btask\b|\binterval\b"
    return len(section.sentences) > 1 and bool(re.search(named, " ".join(section.sentences), re.IGNORECASE))


def _joined(things: list[str]) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"


RULES: tuple[Rule, ...] = (
    baseline_is_described,
    hypothesis_before_trials,
    failures_are_counted,
    ablation_of_several_changes,
    scorer_is_apart,
    can_be_repeated,
    compute_cost,
    change_is_shown_as_code,
    generality,
    scale,
    stronger_baseline,
    limitations,
)
