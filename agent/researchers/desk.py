"""The desk of a language-model researcher: what it works with."""

from __future__ import annotations

from dataclasses import dataclass

from agent.literature.publication import Literature
from agent.llm import LLM


@dataclass(frozen=True)
class Desk:
    llm: LLM
    literature: Literature
    scale: str = ""
    """That trials run at; every scale of a template is told where it is empty."""
    drafts: int = 3
    """Proposals to choose from."""
    knobs_only: bool = False
    """Propose turns of knobs alone: whoever writes the code can do nothing else."""
