"""Numerals: how a fact is spelled, and which numbers a text claims."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from papers.characters import HIDDEN
from papers.facts import Fact

TINY = 0.001
"""A p below this is printed as being below it."""

EXACT = 1e15
"""Beyond this a float is no longer a count."""

GROUPED = 10_000
"""From here on thousands are set apart."""

HUGE = 1e6
"""From here on a measurement is written with a power of ten."""

TELLING = 2
"""Significant digits by which a measurement can be recognised."""

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def spell(key: str, form: str, facts: Mapping[str, Fact]) -> str:
    """Write a fact in its form, or in one that fits it, with a real minus sign and powers of ten.

    A p too small for its form is written `< 0.001`; nothing else is ever rounded beyond its form.
    """
    fact = facts[key]
    value = abs(fact.value) if form.startswith("abs") else fact.value
    asked = form.removeprefix("abs") or default_form(key, facts)
    written = _format(value, asked)
    if is_p(key) and value > 0 and not _number(written):
        decimals = len(written.partition(".")[2])
        return f"< {10.0**-decimals:.{decimals}f}" if decimals else f"< {TINY}"
    return _typeset(written)


def hides(key: str, form: str, facts: Mapping[str, Fact]) -> bool:
    """Tell whether this spelling shows zero for a difference, or an interval's end, that is not zero."""
    fact = facts[key]
    matters = fact.signed or fact.value < 0 or key.endswith(("low", "high"))
    written = _format(fact.value, form.removeprefix("abs") or default_form(key, facts))
    return matters and fact.value != 0 and not _number(written)


def is_p(key: str) -> bool:
    """Tell whether a key names a p."""
    return key.rpartition(".")[2] in {"p", "p_holm"}


def _number(written: str) -> float:
    return float(written.replace(",", "").rstrip("%"))


def default_form(key: str, facts: Mapping[str, Fact]) -> str:
    """Choose digits: counts whole, p to three decimals, a mean by its interval's width, the rest to three digits."""
    fact, stem = facts[key], key.rpartition(".")[0]
    if fact.kind != "measured" and fact.value == round(fact.value) and abs(fact.value) < EXACT:
        return ",.0f" if abs(fact.value) >= GROUPED else ".0f"
    if fact.kind == "declared":
        return ".6g"
    if is_p(key):
        return ".3f"
    for ends in (f"{stem}.low", f"{stem}.high"), (f"{stem}.iqm_low", f"{stem}.iqm_high"):
        if stem and all(end in facts for end in ends) and _in_its_unit(key):
            width = abs(facts[ends[1]].value - facts[ends[0]].value) / 2
            return f".{_decimals(width, 2)}f" if width else _significant(fact.value)
    return _significant(fact.value)


def _in_its_unit(key: str) -> bool:
    """Tell whether a fact beside an interval is in the interval's unit."""
    return key.rpartition(".")[2] in {
        "difference", "low", "high", "variant", "reference", "iqm_difference", "iqm_low", "iqm_high",
    }  # fmt: skip


def _decimals(value: float, digits: int) -> int:
    """Count the decimals that show `digits` significant digits of `value`."""
    return min(9, max(0, digits - 1 - math.floor(math.log10(value)))) if value else 0


def _significant(value: float) -> str:
    if value and not TINY <= abs(value) < HUGE:
        return ".2e"
    return f".{_decimals(abs(value), 3)}f"


def _format(value: float, form: str) -> str:
    return format(round(value) if form.endswith("d") else value, form)


def _typeset(number: str) -> str:
    mantissa, mark, exponent = number.partition("e")
    signed = mantissa.replace("-", "−")
    power = f"10{str(int(exponent or 0)).translate(SUPERSCRIPT)}"
    return signed if not mark else power if signed == "1" else f"{signed} × {power}"


@dataclass(frozen=True)
class Claim:
    """A number that a text states."""

    text: str
    start: int
    values: tuple[float, ...]
    """What it may mean: `5 %` is 5 of a percentage and 0.05 of a fraction."""
    grains: tuple[float, ...]
    """One unit of the last digit, for each value."""
    signed: bool
    digits: int
    """Significant ones."""
    whole: bool
    """Without decimals, exponent, percent or factor."""


NUMBER = re.compile(
    r"(?P<sign>(?:(?<=[\s(\[=<>≈~,;:])|^)[-+](?=[\d.])|[−±])?\s?"
    r"(?P<digits>\d{1,3}(?:[,\u202f\u2009]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.])\.\d+)"
    r"(?:[eE](?P<exponent>[-+−]?\d+)(?![\w.])"
    r"|\s*(?:[×x·*]|\\times|\\cdot)\s*10(?:\s*\^\s*\{?(?P<power>[-−+]?\d+)\}?|(?P<super>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)))?"
    r"(?P<percent>\s*\\?%)?(?P<scale>[kKM](?![\w]))?"
)
SCRIPTS = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
LONE_SCRIPT = re.compile(rf"(?<![\w)\]{SCRIPTS}])[{SCRIPTS}]+")
"""Raised digits with nothing to be the power of."""
POWER = re.compile(r"(?<![\w.])10(?:\s*\^\s*\{?(?P<power>[-−+]?\d+)\}?|(?P<super>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))")
NAME = re.compile(
    r"(?:\d+\.){2,}\d+"  # a version
    r"|\b(?=\w*[A-Z]\w*[A-Z])[A-Za-z]\w*-\d+\b"  # GPT-4, CIFAR-10
    r"|(?<![\w.])[A-Za-z]\w*\d+\w*(?!\.\d)"  # H100, sha256, x1
    r"|\b[123]-?[dD]\b"
    r"|\b(?:Sections?|Appendix|Appendices|Chapter|Step)[ ~]\d{1,2}(?![\d.]*\d)"
)


def claims(text: str, *, names: bool = True) -> Iterator[Claim]:
    """Find the numbers a text states; with `names`, `H100`, `GPT-4`, `1.2.3`, `2D` and `Section 3` are none."""
    visible = _digits(text)
    blanked = NAME.sub(lambda name: "\x00" * len(name.group()), visible) if names else visible
    place = 0
    for power in POWER.finditer(blanked):
        if not re.search(r"[\d]\s*(?:[×x·*]|\\times|\\cdot)\s*$", blanked[: power.start()]):
            yield from _numbers(blanked, place, power.start())
            exponent = int((power["power"] or power["super"]).translate(PLAIN))
            yield Claim(power.group(), power.start(), (10.0**exponent,), (10.0**exponent,), False, 1, whole=False)
            place = power.end()
    yield from _numbers(blanked, place, len(blanked))


def _digits(text: str) -> str:
    """Write every other kind of digit by ours, powers of ten apart; characters that print nothing are left out."""
    seen = "".join(c for c in text if c.isspace() or unicodedata.category(c) not in HIDDEN)
    raised = LONE_SCRIPT.sub(lambda digits: digits.group().translate(PLAIN), seen)
    return "".join(c if c.isascii() or c in SCRIPTS or not c.isnumeric() else _ours(c) for c in raised)


def _ours(c: str) -> str:
    return f" {unicodedata.normalize('NFKC', c).replace('⁄', ' ')} "


def _numbers(text: str, start: int, end: int) -> Iterator[Claim]:
    for match in NUMBER.finditer(text, start, end):
        yield _claim(match)


def _claim(match: re.Match[str]) -> Claim:
    digits = re.sub(r"[,\u202f\u2009]", "", match["digits"])
    exponent = match["exponent"] or match["power"] or match["super"]
    power = int(exponent.translate(PLAIN)) if exponent else 0
    power += {"k": 3, "K": 3, "M": 6}.get(match["scale"] or "", 0)
    negative = match["sign"] in {"-", "−"}
    size = float(digits) * 10.0**power
    grain = 10.0 ** (power - len(digits.partition(".")[2]))
    shares = (1.0, 0.01) if match["percent"] else (1.0,)
    return Claim(
        text=match.group().strip(),
        start=match.start("digits"),
        values=tuple((-size if negative else size) * share for share in shares),
        grains=tuple(grain * share for share in shares),
        signed=negative or match["sign"] == "+",
        digits=len(digits.replace(".", "").lstrip("0")) or 1,
        whole="." not in digits and not exponent and not match["percent"] and not match["scale"],
    )


def states(claim: Claim, fact: Fact) -> bool:
    """Tell whether a claim is this fact, rounded to the claim's own digits.

    A typed sign must be the fact's. A measured fact needs two digits to be recognised by, or to be whole.
    """
    if fact.kind == "measured" and claim.digits < TELLING and not fact.value.is_integer():
        return False
    return any(
        _rounds(claim, fact.value, value, grain) for value, grain in zip(claim.values, claim.grains, strict=True)
    )


def _rounds(claim: Claim, truth: float, value: float, grain: float) -> bool:
    if not claim.signed:
        truth = abs(truth)
    slack = 1e-9 * max(abs(truth), abs(value))
    return abs(truth - value) <= grain / 2 + slack
