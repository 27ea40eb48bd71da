"""What others say that a paper may quote: the README, the template's words, the idea, its survey, captions, titles."""

from __future__ import annotations

from collections.abc import Iterator

from papers.quotation import Constant, Quotation, quote
from papers.readme import Readme, read
from papers.records import records
from papers.study import Study
from sandboxes.record import Record
from templates.space import ExpressionKnob
from templates.trial import scale_of


class Outside(Record):
    """Every outside text of a study, ready to stand in a paper."""

    readme: Readme
    said: dict[str, Quotation]
    """By who says it, e.g. `idea.title`, `knob.<name>`, `past.<number>`, `record.<key>`."""

    def constants(self) -> Iterator[tuple[str, Constant]]:
        """Give each declared number with who states it."""
        yield from (("the template's README", constant) for constant in self.readme.constants)
        for who, quotation in self.said.items():
            yield from ((who, constant) for constant in quotation.constants)


def outside(study: Study) -> Outside:
    """Gather the outside texts of a study; their numbers are declared as `quoted.<who>.<n>` or `background.<n>`."""
    citable = frozenset(source.key for source in records(study.bibliography))
    said = {who: quote(f"quoted.{who}", text, citable) for who, text in _texts(study)}
    for place, source in enumerate(records(study.bibliography), 1):
        # A BibTeX key may hold characters that a fact's key may not.
        said[f"record.{source.key}"] = quote(f"quoted.record.{place}", source.title, citable)
    return Outside(readme=read(study.background, citable), said=said)


def _texts(study: Study) -> Iterator[tuple[str, str]]:
    template, idea = study.template, study.idea
    yield "template.title", template.title
    yield "template.question", template.question
    yield "template.scale", scale_of(study.template, study.scale).description
    yield "metric.title", template.metric.title
    yield "metric.unit", template.metric.unit
    for measurement in template.secondary:
        yield f"secondary.{measurement.name}", measurement.title
        yield f"secondary.{measurement.name}.unit", measurement.unit
    for knob in template.knobs:
        yield f"knob.{knob.name}", knob.description
        if isinstance(knob, ExpressionKnob):
            yield from ((f"knob.{knob.name}.{variable}", meaning) for variable, meaning in knob.inputs.items())
    yield "idea.title", idea.title
    yield "idea.hypothesis", idea.hypothesis
    yield "idea.rationale", idea.rationale
    yield "reason", study.reason
    yield "hardware", study.provenance.hardware
    yield "sandbox", study.provenance.sandbox
    yield from ((f"software.{name}", version) for name, version in study.provenance.software.items())
    yield from ((f"figure.{figure.name}", figure.caption) for figure in study.figures)
    yield from ((f"past.{past.number}", past.title) for past in study.tried)
    yield from ((f"nearest.{place}", each.difference) for place, each in enumerate(study.nearest, 1))
