"""Desks for tests: a scripted language model, and a shelf of records in the place of the literature."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.archive import Archive, ArchivedStudy, after, point
from agent.literature.publication import Publication
from agent.llm import Reply, Request
from agent.llms.scripted import ScriptedLLM
from agent.researchers.desk import Desk
from papers.evidence import Comparison, Conclusion, Stage
from templates.idea import Change, Idea, Lineage, Prediction, SelfScores
from templates.template import Template

Answer = Callable[[Request], Reply | str | None]


class Shelf:
    """Gives the same records for whatever is looked up, and keeps the queries."""

    def __init__(self, records: Sequence[Publication] = ()) -> None:
        self._records = tuple(records)
        self.queries: list[str] = []

    def search(self, words: str, limit: int = 10) -> tuple[Publication, ...]:
        self.queries.append(words)
        return self._records[:limit]

    def resolve(self, publication: Publication) -> str:
        return "" if publication in self._records else f"{publication.id} is not on the shelf."


def record(key: str, title: str, abstract: str = "", **fields: object) -> Publication:
    whole = {"id": f"doi:10.1/{key}", "source": "openalex", "authors": ("Ada Smith",), "year": 2020}
    return Publication.model_validate({**whole, "key": key, "title": title, "abstract": abstract, **fields})


def speaking(answer: Answer) -> ScriptedLLM:
    """Make a language model of a function that has an answer to every request it gets here."""

    def script(request: Request) -> Reply | str:
        said = answer(request)
        if said is None:
            raise LookupError(f"The script has no answer to: {request.messages[-1].text[:200]}")
        return said

    return ScriptedLLM(script)


def desk(answer: Answer, records: Sequence[Publication] = (), *, drafts: int = 3, knobs_only: bool = False) -> Desk:
    return Desk(speaking(answer), Shelf(records), drafts=drafts, knobs_only=knobs_only)


def idea(
    toy: Template, *changes: Change, plan: str = "", slug: str = "an-idea", confidence: float | None = None
) -> Idea:
    scores = SelfScores(interest=5, confidence=confidence, adjusted=0.5) if confidence else None
    return Idea(
        slug=slug,
        template=toy.name,
        title="Average the iterates",
        hypothesis="The mean of the last iterates has a lower loss than the last one.",
        rationale="Noise averages out [@polyak1992].",
        prediction=Prediction(metric=toy.metric.name, direction="lower", smallest_effect=0.1),
        changes=changes,
        lineage=Lineage(operator="language-model", parents=("baseline",)),
        plan=plan,
        scores=scores,
    )


def archived(  # noqa: PLR0913 (what a study came to, each by name)
    toy: Template,
    studied: Idea,
    conclusion: Conclusion = Conclusion.supported,
    *,
    number: int = 1,
    difference: float = -0.5,
    changes: tuple[Change, ...] | None = None,
) -> ArchivedStudy:
    """Give the record of a study that measured `difference`; it made the idea's changes when nothing else is said."""
    made = studied.changes if changes is None else changes
    values = (1.0, 1.1, 1.2)
    return ArchivedStudy(
        number=number,
        template=toy.name,
        idea=studied,
        changes=made,
        point=point(toy, after(made)),
        conclusion=conclusion,
        reason="",
        comparison=Comparison(
            stage=Stage.confirm,
            variant=studied.slug,
            reference="baseline",
            metric=toy.metric.name,
            better=toy.metric.better,
            seeds=(1, 2, 3),
            variant_values=tuple(value + difference for value in values),
            reference_values=values,
            difference=difference,
            low=difference - 0.1,
            high=difference + 0.1,
            p=0.01,
            iqm_difference=difference,
            iqm_low=difference,
            iqm_high=difference,
            probability_of_improvement=1.0,
        ),
    )


def archive(*studies: ArchivedStudy) -> Archive:
    return Archive(studies=studies)
