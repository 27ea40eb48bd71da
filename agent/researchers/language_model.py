"""The language-model researcher: answers every question of a study by asking a language model."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from agent.questions import Conclude, Implement, Judge, Propose, Question, Repair, Survey, Write
from agent.researchers import coding, proposing, reviewing, surveying, writing
from agent.researchers.desk import Desk
from sandboxes.record import Record

A = TypeVar("A", bound=Record)


class LanguageModelResearcher:
    """Renders a question as a prompt, asks, reads the answer, and shows what does not fit.

    Raises `agent.llm.LLMError` when the language model cannot be brought to answer.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def name(self) -> str:
        return self._desk.llm.name

    def answer(self, question: Question[A]) -> A:
        answers: dict[type[Question[Any]], Any] = {
            Propose: proposing.propose,
            Survey: surveying.survey,
            Implement: coding.implement,
            Repair: coding.repair,
            Write: writing.write,
            Judge: reviewing.judge,
            Conclude: reviewing.conclude,
        }
        return cast("A", answers[type(question)](self._desk, question))
