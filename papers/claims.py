r"""Claims: the numbers that a paper types instead of naming them, held against its facts.

A typed number must be a fact, rounded to the digits that are typed, with the sign that is typed. No claim are: names
(`H100`, `GPT-4`, `1.2.3`, `2D`, `Section 3`), a year that a record of the bibliography has, and enumerators, `(1)`
followed by `(2)`. Citations, labels and code are not read, except code that is nothing but a decimal number.

In formulas numbers are read too. No claim are: integers of one or two digits in a script whose base is a symbol (an
index or exponent), the integers 0, 1 and 2 on a side of a relation that also holds a symbol (`1 - p`, `\frac{1}{n}`),
and the sets `\{0, 1\}` and `\in [0, 1]`. So a formula can say what a symbol is made of, and no more: `d = 2`,
`p < 0.001`, `\Delta = 2/5` and `x_{0.43}` are claims. Units in `\mathrm` and `\text` are no symbols.

In the cells of a table nothing may be typed: a number there is the name of a fact.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from papers.facts import Fact
from papers.marks import Code, Mathematics, Number, Plain, Span, flat
from papers.mathematics import LETTERS
from papers.numerals import Claim, claims, spell, states
from papers.places import Place, Role
from papers.problem import Problem
from papers.sentences import quoted, split

NEAREST = 3
"""How many facts a remedy names."""

WORDS = re.compile(
    r"\b(?:thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty"
    r"|ninety)(?:-\w+)?|hundred|thousand|million|billion)\b",
    re.IGNORECASE,
)
ENUMERATOR = re.compile(r"\((\d)\)")
LEADING = re.compile(r"\(?\d{1,2}[.)]\s")
UNFINISHED = re.compile(r"\[\[[^\[\]\s][^\[\]]*\]\]|\[[@#][^\[\]]*\]")
DECIMAL = re.compile(r"[-+−]?(?:\d+\.\d+|\d+(?:\.\d+)?[eE][-+]?\d+)\s*%?")

SCRIPT = re.compile(r"(?P<base>[^\s{}^_])?\s*(?P<mark>[_^])\s*(?:\{(?P<group>[^{}]*)\}|(?P<one>\\[A-Za-z]+|\S))")
SMALL = re.compile(r"(?<![\d.])\d{1,2}(?![\d.])")
UNIT = re.compile(r"\\(?:mathrm|text|textrm|textit|textbf|operatorname|mathtt|mathsf)\s*\{([^{}]*)\}")
SETS = re.compile(r"\\\{\s*0\s*,\s*1\s*\\\}|\\in\s*(?:\\left\s*)?[\[(]\s*0\s*,\s*1\s*(?:\\right\s*)?[\])]")
RELATION = re.compile(
    r"=|<|>|&|;|\\\\|\\(?:leq?|geq?|neq?|approx|sim|simeq|cong|equiv|propto|ll|gg|in|notin|to|rightarrow|Rightarrow|implies"
    r"|iff|mapsto|mid|colon|quad|qquad|pm|mp)(?![A-Za-z])"
)
SYMBOL = re.compile(rf"(?<![\\A-Za-z])[A-Za-z](?![A-Za-z]*\{{)|\\(?:{'|'.join(LETTERS.split())})(?![A-Za-z])")


@dataclass(frozen=True)
class Ground:
    """What a number may stand on."""

    facts: Mapping[str, Fact]
    years: Collection[int]


def unsupported(place: Place, ground: Ground) -> Iterator[Problem]:
    """Name every number of a text that no fact supports, and every mark that is none."""
    enumerated = _enumerators(place.text)
    start = LEADING.match(place.text) if place.role is Role.item else None
    text = place.text[start.end() :] if start else place.text
    for sentence in split(text):
        where = quoted(place.where, sentence)
        spans = list(flat(sentence))
        for span in spans:
            yield from _of_span(span, where, place.role, ground, enumerated)
        yield from _touching(spans, where)


def unsupported_equation(label: str, tex: str, ground: Ground) -> Iterator[Problem]:
    """Name every number of a displayed equation that no fact supports."""
    for claim in formula_claims(tex):
        if not _stands(claim, ground):
            yield _problem(f"equation {label}", claim, ground)


def formula_claims(tex: str) -> Iterator[Claim]:
    """Find the numbers that a formula states."""
    plain = SETS.sub(" ", SCRIPT.sub(_without_indices, tex))
    for side in _sides(plain):
        symbol = SYMBOL.search(UNIT.sub(" ", side))
        for claim in claims(UNIT.sub(lambda unit: re.sub(r"[A-Za-z]+", " ", unit[1]), side), names=False):
            if not (symbol and claim.whole and claim.values[0] in {0.0, 1.0, 2.0} and not claim.signed):
                yield claim


def _without_indices(script: re.Match[str]) -> str:
    """Blank the small integers of a script that belongs to a symbol; other scripts keep their numbers."""
    base, inner = script["base"] or "", script["group"] or script["one"] or ""
    if script["mark"] == "^" and (base.isdigit() or not base):
        return script.group()
    return f"{base} ( {SMALL.sub(' ', inner)} )"


def _sides(tex: str) -> Iterator[str]:
    """Split at relations, and at commas outside brackets."""
    for side in RELATION.split(tex):
        depth, start = 0, 0
        for place, c in enumerate(side):
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(c, 0)
            if c == "," and depth <= 0 and side[place - 1 : place] != "\\":
                yield side[start:place]
                start = place + 1
        yield side[start:]


def _of_span(span: Span, where: str, role: Role, ground: Ground, enumerated: Collection[int]) -> Iterator[Problem]:
    found: list[Claim] = []
    match span:
        case Plain():
            found = [c for c in claims(span.text) if not (_enumerates(c, span.text) and int(c.values[0]) in enumerated)]
            yield from _words(span.text, where)
        case Mathematics():
            found = list(formula_claims(span.tex))
        case Code() if DECIMAL.fullmatch(span.text.strip()):
            found = list(claims(span.text))
    for claim in found:
        if role is Role.cell and not _is_year(claim, ground):
            yield _typed(where, claim, ground)
        elif not _stands(claim, ground):
            yield _problem(where, claim, ground)


def _words(text: str, where: str) -> Iterator[Problem]:
    for match in WORDS.finditer(text):
        what = f"the number “{match.group()}” is spelled in words and cannot be checked"
        yield Problem(where=where, what=what, remedy="name its fact as [[key]]")
    for match in UNFINISHED.finditer(text):
        what = f"{match.group()} looks like a mark and is none"
        yield Problem(where=where, what=what, remedy="write [[key]], [[key:.2f]], [@key] or [#label], or leave it out")


def _touching(spans: list[Span], where: str) -> Iterator[Problem]:
    """Name facts that run into digits, a sign or each other, and so would be read as other numbers."""
    for before, after in zip([Plain(" "), *spans], [*spans, Plain(" ")], strict=True):
        left = before.text if isinstance(before, Plain) else "0" if isinstance(before, Number) else " "
        right = after.text if isinstance(after, Plain) else "0" if isinstance(after, Number) else " "
        signed = isinstance(after, Number) and re.search(r"(?:^|[\s(\[=])[-−+–]$", left)
        glued = isinstance(after, Number) and re.search(r"[\d.,]$", left)
        followed = isinstance(before, Number) and re.match(r"\d|[.,]\d|[eE^]\d", right)
        if signed or glued or followed:
            key = after.key if isinstance(after, Number) else before.key if isinstance(before, Number) else ""
            what = f"[[{key}]] runs into “{(left[-8:] if isinstance(after, Number) else right[:8]).strip()}”"
            yield Problem(where=where, what=what, remedy="put a space between them; a fact brings its own sign")


def _enumerators(text: str) -> frozenset[int]:
    """Tell which of (1), (2), … are enumerators: those that run from one without a gap, two at least."""
    found = [int(number) for number in ENUMERATOR.findall(text)]
    return frozenset(found) if len(found) > 1 and found == list(range(1, len(found) + 1)) else frozenset()


def _enumerates(claim: Claim, text: str) -> bool:
    return claim.whole and text[claim.start - 1 : claim.start + 2] == f"({claim.text})"


def _is_year(claim: Claim, ground: Ground) -> bool:
    return claim.whole and "," not in claim.text and claim.values[0] in ground.years


def _stands(claim: Claim, ground: Ground) -> bool:
    return _is_year(claim, ground) or any(states(claim, fact) for fact in ground.facts.values())


def _problem(where: str, claim: Claim, ground: Ground) -> Problem:
    return Problem(where=where, what=f"the number {claim.text} is no fact of this study", remedy=_remedy(claim, ground))


def _typed(where: str, claim: Claim, ground: Ground) -> Problem:
    return Problem(where=where, what=f"the cell types the number {claim.text}", remedy=_remedy(claim, ground))


def _remedy(claim: Claim, ground: Ground) -> str:
    """Name the facts nearest in value."""
    value = abs(claim.values[0])
    nearest = sorted(ground.facts, key=lambda key: abs(abs(ground.facts[key].value) - value))[:NEAREST]
    shown = ", ".join(f"[[{key}]] = {spell(key, '', ground.facts)}" for key in nearest)
    return f"name a fact instead of typing it; nearest are {shown}" if shown else "leave it out; there are no facts"
