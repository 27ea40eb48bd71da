from __future__ import annotations

from itertools import combinations

import pytest

from agent.researchers.similarity import NEAR_DUPLICATE, similarities


def read(paragraphs: str) -> tuple[str, ...]:
    return tuple(" ".join(each.split()) for each in paragraphs.split("\n\n"))


IDEAS = read("""
Couple again within cover symbols that teach the same. Merging lowers the residual message entropy of FIMEC when the
components of a message are smaller than a cover symbol.

Partition messages by prefix instead of by component. ARIMEC leaves less of a uniform message open than FIMEC, since
a prefix can be split as finely as the cover symbol needs.

Treat pairs of components as one. Coupling neighbouring components in pairs lowers the residual message entropy
without a second coupling per symbol.

Finish components that are nearly known. Rating partitions by their largest mass as well as their entropy lowers the
residual entropy at the end of a short cover.

Average the iterates of the last half. Returning the mean of the last half of the iterates reaches a lower final
loss than the last iterate.

Momentum with a heavy ball. Adding a momentum term to the descent step reaches a lower final loss in the same number
of steps.

Warm up the step size. Starting with small steps that grow over the first tenth of the run lowers the final loss.

Clip the gradient to a maximal norm. Clipping noisy gradients at their running median norm reaches a lower final
loss.

Step sizes that fall to zero along a line. Steps that fall to zero along a line reach a lower final loss than steps
that fall as one over the root of time.

Choose components by look-ahead over two symbols. Scoring each partition by the expected entropy after two couplings
lowers the residual entropy.

Regroup components after every symbol. Pooling the components with the highest posterior entropy anew before every
coupling lowers the residual entropy more than fixed pools do.
""")
PARAPHRASES = read("""
Merge cover symbols that teach the receiver the same. When message components are smaller than a cover symbol,
coupling again within merged symbols lowers the residual message entropy of FIMEC.

Prefix partitions in place of component partitions. Since a prefix can be split as finely as a cover symbol needs,
ARIMEC leaves less of a uniform message open than FIMEC does.

Pool components in pairs. Treating two neighbouring components as a single one lowers the residual message entropy
without any second coupling for a symbol.

Complete nearly known components first. Scoring partitions by largest mass in addition to entropy lowers residual
entropy at the end of short covers.

Averaging the final half of the iterates. The mean over the last half of iterates has a lower final loss than the
last iterate alone.

Heavy-ball momentum. A momentum term in the descent step lowers the final loss for an equal number of steps.

Step-size warm-up. Small steps at the start, growing over the first tenth of the run, give a lower final loss.

Gradient clipping at the running median norm. Clipping noisy gradients to their median norm gives a lower final
loss.

Linear decay of step sizes to zero. Step sizes that fall along a line to zero reach a lower final loss than steps
falling as one over the square root of time.

Two-symbol look-ahead for choosing components. Rating each partition by the entropy expected after two couplings
lowers the residual entropy.

Dynamic pools of components. Before every coupling, pooling anew the components of highest posterior entropy lowers
the residual entropy more than fixed pools.
""")
MARGIN = 0.1


@pytest.mark.parametrize("at", range(len(IDEAS)))
def test_an_idea_in_other_words_is_a_near_duplicate_of_that_idea_alone(at: int) -> None:
    likeness = similarities(PARAPHRASES[at], IDEAS)
    assert likeness[at] > NEAR_DUPLICATE + MARGIN
    assert max(like for place, like in enumerate(likeness) if place != at) < NEAR_DUPLICATE - MARGIN


@pytest.mark.parametrize("at", range(len(IDEAS)))
def test_an_idea_in_other_words_is_one_however_few_ideas_there_are(at: int) -> None:
    assert similarities(PARAPHRASES[at], IDEAS[at : at + 1])[0] > NEAR_DUPLICATE + MARGIN


def test_different_ideas_about_one_method_are_no_duplicates() -> None:
    for one, other in combinations(IDEAS, 2):
        assert similarities(one, [other])[0] < NEAR_DUPLICATE - MARGIN
        assert similarities(one, [each for each in IDEAS if each != one])[IDEAS.index(other) - 1] < NEAR_DUPLICATE


def test_the_same_words_are_alike_and_nothing_is_like_nothing() -> None:
    assert similarities("Warm up the step", ["warm UP the step!", "", "entropy"]) == (pytest.approx(1.0), 0.0, 0.0)
    assert similarities("anything", []) == ()
