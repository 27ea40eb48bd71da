"""Quantities: the numbers that a printed sentence or cell states, with their spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

N = r"(?<![\w.])[−+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][−+-]?\d+|\s?×\s?10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?(?![\w])"
NUMBER = re.compile(N)
JOINT = r"\s*(?:,|;|to|and|–|…)\s*"
BRACKETED = re.compile(rf"[\[(]\s*({N}){JOINT}({N})\s*[\])]")
NAMED = re.compile(rf"\b(?:intervals?|CI)\b[^\d−+-]{{0,40}}?({N}){JOINT}({N})")
SPREAD = re.compile(rf"({N})\s*(?:±|\+/[−-]|\$\s*\\pm\s*\$|\\pm)\s*({N})")
INTERVAL_WORD = re.compile(r"\binterval|\bCIs?\b|\bconfidence\b|%", re.IGNORECASE)

COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
KINDS = (
    "fresh|paired|independent|random|new|different|further|confirmation|full|held-out|training|unseen|matched|single"
)
SEEDS = re.compile(
    rf"\bn\s*\$?\s*=\s*\$?\s*(\d+)|\b(\d+|{'|'.join(COUNTS)}|a(?=\s+single))\s+(?:(?:{KINDS})\s+)*"
    r"(?:seeds?|runs?|repetitions|replicates|pairs)\b",
    re.IGNORECASE,
)
P_VALUE = re.compile(
    rf"\bp(?:[-_ ]?values?)?\s*\$?\s*(?:\(?(?:after|with|by|adjusted)[^=<≤\d]{{0,30}})?"
    rf"(?:=|<|≤|\bof\b|\bwas\b)?\s*\$?\s*({N})"
)
SMALLEST = re.compile(
    r"(?:\b(?:smallest|minimal|minimum|least)\s+(?:[\w-]+\s+){0,3}?(?:effect|difference|change|improvement)[^\d.]{0,70}"
    rf"|\bpredict\w*\b.*?\bby at least )({N})",
    re.IGNORECASE,
)
NO_RESULT = re.compile(rf"({N})\s*(?:\\?%|per cent)\s*(?:\w+\s+){{0,2}}(?:interval|CI|confidence)", re.IGNORECASE)
"""The level of an interval is not a result."""


ASCII = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


class Quantity(NamedTuple):
    value: float
    text: str
    """As printed."""

    @property
    def rounding(self) -> float:
        """Half a unit of the last printed digit."""
        mantissa, _, exponent = _ascii(self.text).partition("e")
        decimals = len(mantissa.partition(".")[2])
        return 0.5 * 10.0 ** (int(exponent or 0) - decimals)


class Interval(NamedTuple):
    low: Quantity
    high: Quantity

    @property
    def text(self) -> str:
        return f"[{self.low.text}, {self.high.text}]"

    @property
    def width(self) -> float:
        return self.high.value - self.low.value

    def holds(self, value: float) -> bool:
        return self.low.value <= value <= self.high.value


def quantity(text: str) -> Quantity:
    return Quantity(float(_ascii(text)), text)


def numbers(text: str) -> tuple[Quantity, ...]:
    """Read every number, the level of an interval left out."""
    plain = NO_RESULT.sub(" ", _plain(text))
    return tuple(quantity(match.group()) for match in NUMBER.finditer(plain))


def interval(text: str) -> Interval | None:
    """Read the first interval: `[a, b]`, `95 % CI a to b`, or `m ± s`."""
    return next(_intervals(_plain(text)), None)


def estimate(text: str) -> Quantity | None:
    """Read the number that the interval of a sentence is about: inside it, nearest to its middle."""
    bounds = interval(text)
    if bounds is None:
        return None
    middle = (bounds.low.value + bounds.high.value) / 2
    ends = (bounds.low.text, bounds.high.text)
    inside = [n for n in numbers(SEEDS.sub(" ", text)) if bounds.holds(n.value) and n.text not in ends]
    return min(inside, key=lambda n: abs(n.value - middle), default=None)


def seeds(text: str) -> tuple[int, ...]:
    """Read how many seeds or runs a text counts."""
    return tuple(_count(digits or word) for digits, word in SEEDS.findall(_plain(text)))


def p_value(text: str) -> Quantity | None:
    match = P_VALUE.search(_plain(text))
    value = quantity(match[1]) if match else None
    return value if value and 0 <= value.value <= 1 else None


def smallest_effect(text: str) -> Quantity | None:
    """Read the smallest effect that a paper says would matter."""
    match = SMALLEST.search(_plain(text))
    return quantity(match[1]) if match else None


def _intervals(text: str) -> Iterator[Interval]:
    named = INTERVAL_WORD.search(text) is not None
    for match in (*NAMED.finditer(text), *BRACKETED.finditer(text)):
        low, high = quantity(match[1]), quantity(match[2])
        ordered = low.value <= high.value if named else low.value < high.value
        if ordered and (named or "." in match.group()):
            yield Interval(low, high)
    for match in SPREAD.finditer(text):
        middle, half = quantity(match[1]), quantity(match[2])
        yield Interval(_shifted(middle, -half.value), _shifted(middle, half.value))


def _shifted(middle: Quantity, by: float) -> Quantity:
    decimals = len(middle.text.partition(".")[2])
    return quantity(f"{middle.value + by:.{decimals}f}".replace("-", "−"))


def _count(word: str) -> int:
    lower = word.lower()
    return int(word) if word.isdigit() else 1 if lower == "a" else COUNTS.index(lower) + 1


def _ascii(text: str) -> str:
    """Spell a printed number as a program does."""
    power = re.sub(r"\s?×\s?10(?=[⁻⁰¹²³⁴⁵⁶⁷⁸⁹])", "e", text)
    return power.translate(ASCII).replace(",", "").lower()


def _plain(text: str) -> str:
    return text.replace("$-$", "−").replace("$−$", "−").replace("\\%", "%")
