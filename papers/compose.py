"""Compose: a study told as a paper by rules, without a language model.

Every sentence is chosen by what the facts show, and every number stands as the key of its fact. What is about the
template's subject comes from the template: its declarations and the second-level headings of its README,

- `## Background`: what the subject is; its first sentence also opens the abstract;
- `## The method` (or `## The task and the metric`): the baseline, with its equations;
- `## What the seed paper found`: earlier findings;
- `## How it is scored` (or `## How the score is verified`): what the scorer verifies;
- `## What the scorer cannot see`: limitations of the metric.

A README may lack any of them: the paper then says less about the subject, and nothing that is not so.
"""

from __future__ import annotations

from papers.byline import Byline
from papers.facts import facts
from papers.outside import outside
from papers.paper import Paper
from papers.prose.appendix import additional, origin, reproducibility
from papers.prose.attempts import attempts
from papers.prose.background import background
from papers.prose.closing import conclusion, limitations
from papers.prose.front import abstract, introduction, title
from papers.prose.material import Material
from papers.prose.method import method
from papers.prose.requested import ANSWERS, requested
from papers.prose.results import results
from papers.prose.setup import setup
from papers.study import Study

REQUESTS: frozenset[str] = frozenset(ANSWERS)
"""What a reviewer may ask the next version for."""


def compose(study: Study, requests: frozenset[str] = frozenset(), byline: Byline | None = None) -> Paper:
    """Write the paper of `study`, with what reviewers asked for; names outside `REQUESTS` are nobody's to answer.

    `byline` is said where someone else's prose is to stand in place of some of this. Pure: the same study gives the
    same paper. Raises `papers.facts.EvidenceMismatchError` as `facts` does.
    """
    material = Material(study=study, facts=facts(study), outside=outside(study), byline=byline)
    sections = (
        introduction(material),
        background(material),
        method(material),
        setup(material),
        results(material),
        attempts(material),
        limitations(material),
        conclusion(material),
        origin(material),
        reproducibility(material),
        *additional(requested(material, requests & REQUESTS)),
    )
    return Paper(
        title=title(material),
        author=f"Ratchet {study.provenance.ratchet_version} ({_writer(material)})",
        abstract=abstract(material),
        sections=tuple(section for section in sections if section.blocks),
        byline=byline,
    )


def _writer(material: Material) -> str:
    """Name who wrote the prose: the embedded researcher, unless there is a byline."""
    if material.byline and material.byline.written:
        return material.byline.writer
    thought = {who for who in material.study.provenance.researchers.values() if not who.startswith("embedded")}
    return "embedded researcher" if not thought else "embedded researcher, with language models in other parts"
