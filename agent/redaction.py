"""Redaction: keys are taken out of a text before it is shown or written."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REDACTED = "[redacted]"
LEAST = 8
"""Characters of a value that is taken for a secret."""
PIECE = 12
"""Characters at a secret's start or end that give it away."""
LONG = 8192
"""Characters of a text in which signs are looked for all at once."""

_KEY_WORDS = frozenset({"KEY", "APIKEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PAT"})
_PATH = re.compile(r"~?(?:/[\w.-]+){2,}/?")
_MASK = r"(?:\*{3,}|•{3,}|\.{3}|…)"
_GOES_ON = rf"[\w\-+/=%~]*(?:{_MASK}[\w\-+/=%~]*)?"
"""What may follow the start of a key, as far as it belongs to it."""

# In each pattern the look-behind comes after the sign, so that the search can leap from sign to sign.
_SHAPES = (
    ("AIza", r"AIza[\w-]{30,}"),
    ("ghp_", r"ghp_[A-Za-z0-9]{20,}"),
    ("gho_", r"gho_[A-Za-z0-9]{20,}"),
    ("ghs_", r"ghs_[A-Za-z0-9]{20,}"),
    ("github_pat_", r"github_pat_\w{20,}"),
    ("hf_", r"hf_(?<![A-Za-z0-9]hf_)[A-Za-z0-9]{30,}"),
    ("gsk_", r"gsk_(?<![A-Za-z0-9]gsk_)[A-Za-z0-9]{20,}"),
    ("AKIA", r"AKIA(?<![A-Za-z0-9]AKIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("ASIA", r"ASIA(?<![A-Za-z0-9]ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("eyJ", r"eyJ(?<![\w-]eyJ)[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+"),
    ("-----BEGIN", r"(?s)-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.{1,8000}?-----END [A-Z ]{0,20}PRIVATE KEY-----"),
)
"""Sign and pattern of what is a key and nothing else."""
_LIKELY = (
    ("sk-", r"sk-(?<![A-Za-z0-9]sk-)(?:[\w-]{0,40}(?:\*{3,}|•{3,})[\w-]*|[\w-]{16,})"),
    ("xai-", r"xai-(?<![A-Za-z0-9]xai-)[\w-]{16,}"),
    ("pplx-", r"pplx-[\w-]{16,}"),
    ("nvapi-", r"nvapi-[\w-]{16,}"),
    ("glpat-", r"glpat-[\w-]{16,}"),
    ("earer", r"earer (?<=[Bb]earer )([\w.~+/=-]{16,})"),
    *(
        (sign, name + r"(?:\\?[\"'])?\s{0,2}[:=]\s{0,2}(?:\\?[\"'])?([\w~+/=-]{16,})(?![\w(.\[])")
        for sign, name in (
            ("api", "api[_-]?[kK]ey"),
            ("API_KEY", "API_KEY"),
            ("Api-Key", "Api-Key"),
            ("ACCESS_KEY", "ACCESS_KEY"),
            ("access_token", "access_token"),
        )
    ),
)
"""Sign and pattern of what is a key if it, or its group, looks drawn at random."""


class Rule(NamedTuple):
    sign: str
    """Occurs wherever the pattern does, and is quicker to look for."""
    pattern: str
    put: Callable[[re.Match[str]], str]


class Redactor:
    """Replaces each known secret, and whatever has the shape of a key, by `[redacted]`.

    A known secret is found as it is, URL-encoded, in base64 wherever it stood in what was encoded, and escaped for
    JSON; by its first or last twelve characters, since errors are cut short; and with its middle masked, as
    providers echo it. JSON stays JSON. It does not find a secret that somebody spelled out or turned into another form.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret.strip() for secret in secrets if is_secret(secret.strip())}, key=len, reverse=True)
        self._known = len(known)
        self._rules = (*(rule for secret in known for rule in rules(secret)), *shapes())

    def __call__(self, text: str) -> str:
        for rule in self._rules if len(text) < LONG else self._likely(text):
            if rule.sign in text:
                text = re.sub(rule.pattern, rule.put, text)
        return text

    def __repr__(self) -> str:
        return f"Redactor({self._known} secrets)"

    def _likely(self, text: str) -> list[Rule]:
        """Leave out the rules whose sign's last three bytes are nowhere in `text`, by one pass over it."""
        import numpy as np

        mixed = trigrams(np.frombuffer(text.encode("utf-8", "replace"), np.uint8))
        present = set(mixed[self._signs[mixed]].tolist())
        return [rule for mix, rule in zip(self._mixes, self._rules, strict=True) if mix in present]

    @cached_property
    def _mixes(self) -> tuple[int, ...]:
        """For each rule, what the last three bytes of its sign mix to."""
        import numpy as np

        ends = (np.frombuffer(rule.sign.encode("utf-8", "replace")[-3:], np.uint8) for rule in self._rules)
        return tuple(int(trigrams(end)[0]) for end in ends)

    @cached_property
    def _signs(self) -> NDArray[np.bool_]:
        """`[1 << 20]` whether a sign ends with three bytes that mix to this number."""
        import numpy as np

        table = np.zeros(1 << 20, np.bool_)
        table[list(self._mixes)] = True
        return table


def is_secret(value: str) -> bool:
    """Tell a secret from a placeholder such as `EMPTY`, `ollama` or `lm-studio`, from a number, and from raw bytes.

    Replacing one of the first would spoil ordinary text, and nobody's account hangs on it; the last can be in no text.
    """
    readable = not re.search(r"[\ud800-\udfff]", value)
    if len(value) < LEAST or not re.search(r"[A-Za-z]", value) or not readable:
        return False
    return len(value) >= 2 * LEAST or bool(re.search(r"\d", value)) or value not in (value.lower(), value.upper())


def rules(secret: str) -> Iterator[Rule]:
    """Yield what finds a secret: its forms, longest first, then their pieces, then its echo behind a mask."""
    found = sorted(forms(secret), key=len, reverse=True)
    yield from (Rule(form, re.escape(form), whole) for form in found)
    for form in found:
        # Through a form with quotes or escapes nothing may be cut: JSON would not be JSON any more.
        if len(form) > PIECE and re.fullmatch(r"[\w\-+/=%~.]+", form):
            yield Rule(form[:PIECE], re.escape(form[:PIECE]) + _GOES_ON, whole)
            yield Rule(form[-PIECE:], r"[\w\-+/=%~]{0,300}" + re.escape(form[-PIECE:]), whole)
    start, end = re.escape(secret[:3]), re.escape(secret[-3:])
    yield Rule(secret[-3:], rf"{start}[\w\-]{{0,40}}?{_MASK}[\w\-]{{0,9}}{end}(?!\w)", whole)


def shapes() -> Iterator[Rule]:
    """Yield what finds a key of anybody's."""
    yield from (Rule(sign, pattern, whole) for sign, pattern in _SHAPES)
    yield from (Rule(sign, pattern, if_drawn) for sign, pattern in _LIKELY)


def whole(_: re.Match[str]) -> str:
    return REDACTED


def if_drawn(found: re.Match[str]) -> str:
    """Replace a key, or the group that holds it; leave words joined by hyphens alone."""
    key = found[found.lastindex or 0]
    return found[0].removesuffix(key) + REDACTED if looks_drawn(key) else found[0]


def looks_drawn(text: str) -> bool:
    """Say whether `text` has a mask, capitals among small letters and digits, or a long run of letters and digits."""
    runs = (run for run in re.split(r"[-.]", text) if len(run) >= PIECE)
    return (
        bool(re.search(_MASK, text))
        or all(re.search(kind, text) for kind in ("[A-Z]", "[a-z]", r"\d"))
        or any(re.search(r"\d", run) and re.search(r"[A-Za-z]", run) for run in runs)
    )


def forms(secret: str) -> frozenset[str]:
    """Give the ways in which a secret may stand in a text."""
    encoded = {quote(secret, safe=""), quote_plus(secret), quote(secret)}
    lower = {re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in encoded}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return frozenset({secret, *encoded, *lower, *escaped, *base64_forms(secret)})


def base64_forms(secret: str) -> Iterator[str]:
    """Yield what of `secret` is the same in base64 whatever stands before and after it, for each of three places."""
    raw = secret.encode()
    for before in range(3):
        stable = slice(-(-before * 8 // 6), (before + len(raw)) * 8 // 6)
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + raw).decode()[stable]


def trigrams(data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Mix each three neighbours of `data` into twenty bits: `[n]` to `[n - 2]`."""
    import numpy as np

    wide = data.astype(np.uint32)
    return (wide[:-2] << np.uint32(12)) ^ (wide[1:-1] << np.uint32(6)) ^ wide[2:]


def environment_secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Give the values of the variables that are named like keys, but for the paths of files."""
    named = (value for name, value in environ.items() if _KEY_WORDS & set(name.upper().split("_")))
    return tuple(value for value in named if value and not _PATH.fullmatch(value))
