"""The checklist: what is looked at in every paper, whoever wrote it, with evidence for each finding.

The rules read a `Document` and nothing else. They see what a paper says and prints, check what can be checked on
paper (arithmetic, claims against intervals, numbers behind words, exhibits against text), and cannot see what was
not written down: whether an idea is deep, or a sentence true. A text that repeats the right words without having done
the work gets past rules that look for words; in a composed paper the gates on numbers stand against that.
"""

from __future__ import annotations

from reviews.document import Document
from reviews.finding import Finding, Rule
from reviews.injection import cleaned, instructions_to_the_reviewer
from reviews.rules import claims, clarity, context, design, evidence, tables

RULES: tuple[Rule, ...] = (
    *claims.RULES,
    *evidence.RULES,
    *tables.RULES,
    *design.RULES,
    *context.RULES,
    *clarity.RULES,
)


def findings(document: Document) -> tuple[Finding, ...]:
    """Apply every rule, in a fixed order; every finding's place exists in the cleaned document."""
    seen = cleaned(document)
    told = (_named(instructions_to_the_reviewer, finding) for finding in instructions_to_the_reviewer(document))
    ruled = (_named(rule, finding) for rule in RULES for finding in rule(seen))
    return (*told, *ruled)


def _named(rule: Rule, finding: Finding) -> Finding:
    return finding.model_copy(update={"name": rule.__name__})
