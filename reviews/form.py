"""A review form: what a venue asks of a reviewer, and on which scales; one TOML file per venue and year."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from reviews.review import Review
from sandboxes.record import Record

FORMS = Path(__file__).parent / "forms"
DEFAULT = "neurips2024"

Aspect = Literal["soundness", "clarity", "significance", "originality"]
"""What a finding bears on, whatever a venue calls it."""

Part = Literal["summary", "strengths", "weaknesses", "questions", "limitations"]

OVERALL = "overall"
CONFIDENCE = "confidence"


class FormError(ValueError):
    """A form that cannot be used; the message lists every fault as `file: key: what`."""


class Scale(Record):
    """A question answered by one of a few scores, each with a meaning."""

    key: str = Field(pattern=r"^[a-z]+$")
    question: str = Field(min_length=1)
    anchors: dict[int, str] = Field(min_length=2)
    """Each score that may be given, to what it means; a venue's scale may have gaps."""
    aspects: tuple[Aspect, ...] = ()
    """What bears on a dimension; empty for overall and confidence."""

    @property
    def scores(self) -> tuple[int, ...]:
        return tuple(sorted(self.anchors))

    @property
    def low(self) -> int:
        return self.scores[0]

    @property
    def high(self) -> int:
        return self.scores[-1]

    def at(self, level: float) -> int:
        """Give the score nearest to `level`, 0 for the lowest and 1 for the highest."""
        return self.scores[round(level * (len(self.scores) - 1))]

    @field_validator("anchors")
    @classmethod
    def _each_anchor_says_something(cls, anchors: dict[int, str]) -> dict[int, str]:
        silent = [score for score, meaning in anchors.items() if not meaning.strip()]
        if silent:
            raise ValueError(f"no meaning is given for the score {silent[0]}: say what it stands for")
        return anchors


class Form(Record):
    name: str
    """File stem."""
    venue: str
    title: str
    dimensions: tuple[Scale, ...] = Field(min_length=1)
    overall: Scale
    confidence: Scale
    accept: int
    """The decision rule: accept when the overall score is at least this."""
    parts: tuple[Part, ...]
    """Free-text parts, in the order of the form."""

    @property
    def scales(self) -> tuple[Scale, ...]:
        return (*self.dimensions, self.overall, self.confidence)

    def decide(self, overall: float) -> Literal["accept", "reject"]:
        return "accept" if overall >= self.accept else "reject"

    @field_validator("dimensions")
    @classmethod
    def _dimensions_can_be_told_apart(cls, dimensions: tuple[Scale, ...]) -> tuple[Scale, ...]:
        counts = Counter(scale.key for scale in dimensions)
        counts.update((OVERALL, CONFIDENCE))
        twice = [key for key, count in counts.items() if count > 1]
        if twice:
            raise ValueError(f"the key {twice[0]!r} is used twice: rename one of the two")
        unfed = [scale.key for scale in dimensions if not scale.aspects]
        if unfed:
            raise ValueError(
                f"{unfed[0]!r} names no aspects: list one of soundness, clarity, significance, originality"
            )
        return dimensions

    @field_validator("accept")
    @classmethod
    def _the_rule_lies_on_the_scale(cls, accept: int, info: ValidationInfo) -> int:
        overall: Scale | None = info.data.get("overall")
        if overall is not None and not overall.low < accept <= overall.high:
            raise ValueError(f"{accept} is not between {overall.low + 1} and {overall.high}, the overall scale")
        return accept


def names() -> tuple[str, ...]:
    """List the forms that come with the package."""
    return tuple(sorted(path.stem for path in FORMS.glob("*.toml")))


def load(name: str = DEFAULT) -> Form:
    """Read a bundled form.

    Raises `FormError` for an unknown name or a broken file.
    """
    if name not in names():
        raise FormError(f"There is no review form {name!r}; the known forms are {', '.join(names())}.")
    return read(FORMS / f"{name}.toml")


def read(path: Path) -> Form:
    """Read a form from any TOML file, and name every fault at once when it cannot be used."""
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
        return Form.model_validate({"name": path.stem, **declared})
    except tomllib.TOMLDecodeError as error:
        raise FormError(f"{path.name}: not TOML: {error}") from error
    except ValidationError as error:
        raise FormError("\n".join(_fault(path, detail) for detail in error.errors())) from error


def fit(form: Form, review: Review) -> tuple[str, ...]:
    """Say why a review does not fit the form; empty when it does."""
    known = {scale.key for scale in form.scales}
    faults = [] if review.form == form.name else [f"it fills the form {review.form!r}, not {form.name!r}"]
    for scale in form.scales:
        if scale.key not in review.scores:
            faults.append(f"it gives no score for {scale.key}")
        elif review.scores[scale.key] not in scale.scores:
            faults.append(f"it scores {scale.key} {review.scores[scale.key]}, off the scale {_spelled(scale)}")
    faults += [f"it scores {key}, which the form does not ask" for key in sorted(review.scores.keys() - known)]
    return tuple(faults)


def _spelled(scale: Scale) -> str:
    whole = scale.scores == tuple(range(scale.low, scale.high + 1))
    return f"{scale.low} to {scale.high}" if whole else ", ".join(map(str, scale.scores))


def _fault(path: Path, detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"]) or "form"
    what = detail["msg"].removeprefix("Value error, ")
    return f"{path.name}: {where}: {what}"
