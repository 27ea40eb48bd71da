"""The typed questions of a study, and the form of each answer."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from agent.archive import Archive
from agent.literature.publication import Publication
from papers.paper import Paper
from papers.problem import Problem
from papers.study import Nearest, Study
from reviews.document import Document
from reviews.form import Form
from reviews.review import Review, Verdict
from sandboxes.record import Record
from templates.idea import Change, Idea
from templates.template import Template

A = TypeVar("A", bound=Record)


class Question(Record, Generic[A]):
    """Something a study needs to know; `A` is the form of the answer."""


class Propose(Question[Idea]):
    """What should study `number` find out?"""

    number: int
    seed: int
    templates: tuple[Template, ...]
    archive: Archive


class Related(Record):
    """What a survey found."""

    cited: tuple[str, ...]
    """Keys of bibliography records, most related first."""
    known: str = ""
    """Why the idea is not worth a trial: which study or record has its answer. Empty when it is open."""
    records: tuple[Publication, ...] = ()
    """What `cited` names beyond the template's own references: found in the literature."""
    nearest: tuple[Nearest, ...] = ()
    """What comes nearest to the idea, as evidence for its novelty."""


class Survey(Question[Related]):
    """What is known about the idea?"""

    idea: Idea
    template: Template
    archive: Archive


class CodeChange(Record):
    """Whole new texts of editable files; empty when the researcher gives the idea up."""

    files: dict[str, str]
    changes: tuple[Change, ...]
    """The knobs that the code turns; fewer than the idea's after a retreat."""
    note: str = ""


class Failure(Record):
    """What went wrong in a rehearsal."""

    ending: str
    message: str
    """The last lines of its standard error, or what the scorer refused."""
    limit: str = ""
    """The limit it hit, with its value; empty when none."""


class Implement(Question[CodeChange]):
    """How does the idea read as code?"""

    idea: Idea
    template: Template


class Repair(Question[CodeChange]):
    """The code failed its rehearsal: what should it be instead?"""

    idea: Idea
    template: Template
    attempt: int
    """1 for the first repair."""
    code: CodeChange
    failure: Failure


class Write(Question[Paper]):
    """What does the paper say?"""

    study: Study
    requests: tuple[str, ...]
    """What the reviewers asked for, by name."""
    problems: tuple[Problem, ...]
    """Why the last version could not be printed."""
    draft: Paper | None = None
    """The last version; None when there is none yet."""
    reviews: tuple[Review, ...] = ()
    """What reviewers said of the last version."""


class Judge(Question[Review]):
    """What does a reviewer with this stance think of the paper?"""

    document: Document
    form: Form
    stance: str
    seed: int


class Conclude(Question[Verdict]):
    """What does the panel conclude from its reviews?"""

    document: Document
    form: Form
    reviews: tuple[Review, ...]


class Researcher(Protocol):
    """Who answers the questions of a study."""

    @property
    def name(self) -> str:
        """How a paper calls who wrote it, e.g. `embedded`, or a language model's id as served."""
        ...

    def answer(self, question: Question[A]) -> A:
        """Answer in the question's form."""
        ...
