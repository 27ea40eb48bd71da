"""The notice of a paper that a person edited: it names what persons did, so it is written anew and never by them."""

from __future__ import annotations

from collections.abc import Callable

from papers.facts import facts
from papers.outside import outside
from papers.paper import Block, Paper, Paragraph
from papers.prose.appendix import NOTICE, notice
from papers.prose.material import Material
from papers.study import Study


def signed(paper: Paper, study: Study) -> Paper:
    """Put the notice that `study` calls for in the place of the paper's own."""
    anew = notice(Material(study=study, facts=facts(study), outside=outside(study), byline=paper.byline))
    return _with(paper, lambda _: (anew,))


def unsigned(paper: Paper) -> Paper:
    """Leave the notice out."""
    return _with(paper, lambda _: ())


def is_signed(paper: Paper) -> bool:
    """Say whether a paper has a notice."""
    return unsigned(paper) != paper


def _with(paper: Paper, instead: Callable[[Block], tuple[Block, ...]]) -> Paper:
    sections = tuple(
        section.model_copy(update={"blocks": tuple(each for block in section.blocks for each in _kept(block, instead))})
        for section in paper.sections
    )
    return paper.model_copy(update={"sections": sections})


def _kept(block: Block, instead: Callable[[Block], tuple[Block, ...]]) -> tuple[Block, ...]:
    return instead(block) if isinstance(block, Paragraph) and block.heading == NOTICE else (block,)
