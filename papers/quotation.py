"""A quotation: outside text made safe to stand in a paper, with its numbers declared.

Outside text is all that neither this package nor a trial wrote: a template's README and declarations, an idea, the
titles of records, captions. It keeps code, mathematics, emphasis and citations of known records; every other mark is
defused, so that it cannot name a fact, a figure or a record that the paper does not have. Its numbers become
declared constants, traceable to the sentence that states them.
"""

from __future__ import annotations

import re

from papers import mathematics
from sandboxes.record import Record

NUMBER = re.compile(
    r"(?:(?<![\w)\].])[-−+](?=\d))?(?:\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?(?:[eE][-+]?\d+(?![\w.]))?)"
)
POWER = re.compile(r"(?:(?P<factor>\d+(?:\.\d+)?)\s*(?:\\times|\\cdot)\s*)?10\s*\^\s*\{?\s*(?P<power>[-−]?\d+)")
NAME = re.compile(r"(?<![\w.])[A-Za-z]\w*\d\w*(?!\.\d)|(?<![\w.])(?:\d+\.){2,}\d+(?![\w.]*\w)")
"""`H100`, `sha256`, `1.2.3`: digits that count nothing."""
DATE = re.compile(r"(?<![\w.])\d{4}-\d{2}-\d{2}(?!\w)")
WORDS = {
    **{
        word: 13 + place
        for place, word in enumerate(
            ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
        )
    },
    **{
        word: 20 + 10 * place
        for place, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"))
    },
    **{
        word: 1 + place
        for place, word in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
    },
}
SPELLED = re.compile(
    r"\b(?:(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty"
    r"(?:-(?:one|two|three|four|five|six|seven|eight|nine))?)\b(?!-)",
    re.IGNORECASE,
)
"""Numbers in words that no reader can hold against a fact; they are declared and shown in digits."""
VAST = re.compile(r"\b(?:hundred|thousand|million|billion)\b", re.IGNORECASE)
"""Words for powers of ten, which are shown as the words they are."""
PLAIN = re.compile(
    rf"(?P<name>{NAME.pattern})|(?P<code>{DATE.pattern}|{VAST.pattern})|(?P<spelled>{SPELLED.pattern})|(?P<number>{NUMBER.pattern})",
    re.IGNORECASE,
)
TOKEN = re.compile(
    r"(?P<code>`[^`\n]+`)"
    r"|(?P<math>\$(?=\S)[^$`]+(?<=\S)\$(?!\d))"
    r"|(?P<cite>\[@[^\[\]]+\])"
    r"|(?P<link>\[[^\[\]]+\]\([^()\s]*\))"
    r"|(?P<strong>\*\*(?=\S)[^*`$\[\]]+?(?<=\S)\*\*)"
    r"|(?P<emphasis>(?<!\w)\*(?=\S)[^*`$\[\]]+?(?<=\S)\*(?!\w))"
)


class Constant(Record):
    """A number that outside text states."""

    key: str
    value: float
    sentence: str
    """Where it stands, as written."""


class Quotation(Record):
    text: str
    """With the marks of `papers.paper`."""
    constants: tuple[Constant, ...] = ()


def quote(origin: str, text: str, citable: frozenset[str] = frozenset(), first: int = 1) -> Quotation:
    """Make outside `text` a paper's text, its numbers declared as `<origin>.<first>`, `<origin>.<first + 1>`, …

    Citations of keys outside `citable` are dropped. A number that no format can spell as it was written
    (`007`, twenty digits) becomes code.
    """
    quoter = _Quoter(origin, " ".join(text.split()), citable, first)
    return Quotation(text=quoter.whole(), constants=tuple(quoter.constants))


def equation(origin: str, tex: str, first: int = 1) -> Quotation:
    """Take outside mathematics as it is, its numbers declared."""
    quoter = _Quoter(origin, tex.strip(), frozenset(), first)
    return Quotation(text=quoter.mathematics(0, len(tex.strip())), constants=tuple(quoter.constants))


def spelling(number: str) -> str | None:
    """Find the format that writes the number exactly as it was written; None when there is none."""
    digits = number.lstrip("-−+")
    decimals = len(digits.lower().split("e")[0].partition(".")[2])
    kind = "e" if "e" in digits.lower() else "f"
    form = f"{'+' if number[0] == '+' else ''}{',' if ',' in digits else ''}.{decimals}{kind}"
    written = format(_value(digits), form).lstrip("+")
    same = written == digits if kind == "f" else float(written) == float(digits)
    return form if same else None


def _value(number: str) -> float:
    return float(number.replace(",", "").replace("−", "-"))


class _Quoter:
    """Rewrite one outside text from left to right, collecting its numbers."""

    def __init__(self, origin: str, text: str, citable: frozenset[str], first: int) -> None:
        self._origin = origin
        self._text = text
        self._citable = citable
        self._first = first
        self.constants: list[Constant] = []

    def whole(self) -> str:
        parts: list[str] = []
        place = 0
        for match in TOKEN.finditer(self._text):
            parts += [self._plain(place, match.start()), self._token(match)]
            place = match.end()
        written = "".join([*parts, self._plain(place, len(self._text))])
        return re.sub(r" +([.,;:])(?=\s|$)", r"\1", written).strip()

    def mathematics(self, start: int, end: int) -> str:
        """Declare the numbers inside mathematics, which stay spelled as they are."""
        for match in POWER.finditer(self._text, start, end):
            self._declare(f"{match['factor'] or 1}e{match['power']}", match.start())
        for match in NUMBER.finditer(self._text, start, end):
            self._declare(match.group(), match.start())
        return _apart(self._text[start:end])

    def _formula(self, start: int, end: int) -> str:
        """Keep a formula that can be printed; show any other as the code it is."""
        written = self.mathematics(start, end)
        return f"`{_apart(written[1:-1])}`" if mathematics.formula(written[1:-1]).faults else written

    def _token(self, match: re.Match[str]) -> str:
        """Rewrite one code, mathematics, citation, link or emphasis token."""
        token = match.group()
        match match.lastgroup:
            case "code":
                return _apart(token)
            case "math":
                return self._formula(match.start(), match.end())
            case "cite":
                keys = [key.strip().lstrip("@") for key in token[1:-1].split(";")]
                known = [f"@{key}" for key in keys if key in self._citable]
                return f"[{'; '.join(known)}]" if known else ""
            case "link":
                return self._plain(match.start() + 1, match.start() + token.index("]("))
            case _:
                edge = 2 if match.lastgroup == "strong" else 1
                return f"*{self._plain(match.start() + edge, match.end() - edge)}*"

    def _plain(self, start: int, end: int) -> str:
        """Defuse the marks and declare the numbers of a stretch of prose."""
        parts: list[str] = []
        place = start
        for match in PLAIN.finditer(self._text, start, end):
            before = _defused(self._text[place : match.start()])
            match match.lastgroup:
                case "name":
                    parts += [before, match.group()]
                case "code":
                    parts += [before, f"`{match.group()}`"]
                case "spelled":
                    value = sum(WORDS[word] for word in match.group().lower().split("-"))
                    parts += [before, f"[[{self._declare(str(value), match.start())}:.0f]]"]
                case _:
                    apart = _parted(before, counts=bool(parts))
                    parts += [apart, self._number(match, apart or self._text[: match.start()])]
            place = match.end()
        return "".join([*parts, _defused(self._text[place:end])])

    def _number(self, match: re.Match[str], before: str) -> str:
        """Mark a number as it was written; as code, where it would run into the letters before it."""
        key, form = self._declare(match.group(), match.start()), spelling(match.group())
        glued = re.search(r"[\w.]$", before)
        return f"[[{key}:{form}]]" if form and not glued else f"`{match.group()}`"

    def _declare(self, number: str, place: int) -> str:
        key = f"{self._origin}.{self._first + len(self.constants)}"
        where = sentence(self._text, place)
        self.constants.append(Constant(key=key, value=_value(number), sentence=where))
        return key


def _parted(before: str, *, counts: bool) -> str:
    """Keep what stands before a number from being read as a part of it: a comma, a dash, a sign."""
    if counts and re.fullmatch(r"\s?[-–—]\s?", before):
        return " to "
    if counts and before == "x":
        return "×"
    return f"{before} " if re.search(r"(?:(?:^|[\s(\[=])[-−+–]|,)$", before) else before


def _defused(text: str) -> str:
    """Take the meaning from what would be read as a mark."""
    loose = re.sub(r"(?<=\s)\*(?=\s)", "×", text)
    return _apart(loose.replace("*", "").replace("`", "'").replace("$", "USD "))


def _apart(text: str) -> str:
    """Keep an opening bracket from starting a mark."""
    return re.sub(r"\[(?=[\[@#])", "[ ", text)


def sentence(text: str, place: int) -> str:
    """Give the sentence of `text` that holds the character at `place`."""
    start = max((match.end() for match in re.finditer(r"[.!?]\s+", text[:place])), default=0)
    end = re.search(r"[.!?](?=\s|$)", text[place:])
    return text[start : place + end.end() if end else len(text)].strip()
