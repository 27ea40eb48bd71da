from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from random import Random

import pytest

from agent.archive import NEAR, Archive, ArchivedStudy, Cell, after, near, point, point_key
from agent.questions import Propose, Survey
from agent.researchers import evolution
from agent.researchers.embedded import EmbeddedResearcher
from agent.researchers.evolution import ExhaustedError
from papers.evidence import Comparison, Conclusion, Stage
from templates import source, space, template
from templates.idea import Change, Idea, Lineage
from templates.template import Template


def propose(toy: Template, archive: Archive, seed: int = 0) -> Idea:
    question = Propose(number=len(archive.studies) + 1, seed=seed, templates=(toy,), archive=archive)
    return evolution.propose(question)


def archived(toy: Template, idea: Idea, number: int, conclusion: Conclusion, difference: float = -0.5) -> ArchivedStudy:
    values = (1.0 + difference, 1.1 + difference, 1.2 + difference)
    comparison = Comparison(
        stage=Stage.confirm,
        variant=idea.slug,
        reference="baseline",
        metric=toy.metric.name,
        better=toy.metric.better,
        seeds=(1, 2, 3),
        variant_values=values,
        reference_values=(1.0, 1.1, 1.2),
        difference=difference,
        low=difference - 0.1,
        high=difference + 0.1,
        p=0.01,
        iqm_difference=difference,
        iqm_low=difference,
        iqm_high=difference,
        probability_of_improvement=1.0,
    )
    return ArchivedStudy(
        number=number,
        template=toy.name,
        idea=idea,
        changes=idea.changes,
        point=point(toy, {change.knob: change.after for change in idea.changes}),
        conclusion=conclusion,
        reason="",
        comparison=comparison,
    )


def grown(toy: Template, studies: int, conclusion: Conclusion = Conclusion.supported, seed: int = 0) -> Archive:
    archive = Archive()
    for number in range(1, studies + 1):
        idea = propose(toy, archive, seed)
        archive = Archive(studies=(*archive.studies, archived(toy, idea, number, conclusion, -0.1 * number)))
    return archive


def test_the_first_idea_is_one_that_the_template_suggests(toy: Template) -> None:
    idea = propose(toy, Archive())
    assert idea.lineage.operator == "seed"
    assert idea.title in {seed.title for seed in template.seed_ideas(toy)}


def test_a_prediction_is_made_in_the_metrics_direction_with_its_smallest_effect(toy: Template) -> None:
    prediction = propose(toy, Archive()).prediction
    assert (prediction.metric, prediction.direction) == (toy.metric.name, toy.metric.better)
    assert prediction.smallest_effect == toy.metric.smallest_effect


def test_no_point_is_ever_proposed_twice(toy: Template) -> None:
    archive = grown(toy, 25)
    points = [point_key(study.point) for study in archive.studies]
    assert len(set(points)) == len(points)


def test_no_point_is_proposed_next_to_one_that_was_tried_or_to_the_baseline(toy: Template) -> None:
    points = [point(toy, {}), *(study.point for study in grown(toy, 25).studies)]
    assert [pair for pair in combinations(points, 2) if near(toy, *pair)] == []


def test_an_idea_next_to_an_earlier_one_is_known_before_it_costs_a_trial(toy: Template) -> None:
    idea = propose(toy, Archive())
    bolder = idea.model_copy(update={"changes": (Change(knob="initial", before=0.3, after=0.9),)})
    archive = Archive(studies=(archived(toy, bolder, 1, Conclusion.negligible),))

    def known(after: float) -> str:
        asked = bolder.model_copy(update={"changes": (Change(knob="initial", before=0.3, after=after),)})
        return EmbeddedResearcher().answer(Survey(idea=asked, template=toy, archive=archive)).known

    assert "Study 1" in known(0.91)
    assert known(0.5) == ""


def test_what_a_crossover_brings_back_to_the_baseline_is_no_change(toy: Template) -> None:
    idea = propose(toy, Archive())
    line = Change(knob="step_size", before="initial / sqrt(1 + time)", after="initial * (1 - time / horizon)")
    parents = [
        idea.model_copy(update={"changes": (line, Change(knob="initial", before=0.3, after=after))})
        for after in (0.22, 0.4)
    ]
    one, other = (archived(toy, parent, at, Conclusion.supported) for at, parent in enumerate(parents))
    knobs, baseline = {each.name: each for each in toy.knobs}, source.settings(toy)
    rngs = map(Random, range(40))
    crossings = [evolution.turned(toy, evolution.crossed(one, other, knobs, rng), baseline) for rng in rngs]
    assert all(space.difference(knobs["initial"], crossing.get("initial", 1.0), 0.3) >= NEAR for crossing in crossings)
    assert 0 < sum("initial" in crossing for crossing in crossings) < len(crossings)


def test_no_idea_takes_the_name_of_the_baseline() -> None:
    assert evolution.slug("Baseline") == "idea-baseline"
    assert evolution.slug("!?") == "idea"


CROSS = """
import sys
from pathlib import Path
from agent.researchers.evolution import crossed
from agent.archive import NEAR, Archive, ArchivedStudy, Cell, after, near, point, point_key
from templates import template
import random
toy = template.load(Path(sys.argv[1]))
one, other = (ArchivedStudy.model_validate_json(text) for text in sys.argv[2:])
print(crossed(one, other, {knob.name: knob for knob in toy.knobs}, random.Random(1)))
"""


def test_a_crossover_is_the_same_in_every_process(toy: Template) -> None:
    idea = propose(toy, Archive())
    parents = [
        archived(toy, idea.model_copy(update={"changes": changes}), number, Conclusion.supported)
        for number, changes in enumerate(
            (
                (Change(knob="initial", before=0.3, after=a), Change(knob="step_size", before="initial", after=line))
                for a, line in ((0.9, "initial / (1 + time)"), (0.1, "initial * (1 - time / horizon)"))
            ),
            start=1,
        )
    ]
    told = {
        subprocess.run(
            [sys.executable, "-c", CROSS, str(toy.folder), *(parent.model_dump_json() for parent in parents)],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(4)
    }
    assert len(told) == 1


def test_every_proposal_is_within_the_declared_space_and_names_its_parents(toy: Template) -> None:
    knobs = {knob.name: knob for knob in toy.knobs}
    known = {"baseline"}
    for study in grown(toy, 25).studies:
        assert all(space.fault(knobs[change.knob], change.after) is None for change in study.idea.changes)
        assert set(study.idea.lineage.parents) <= known
        known.add(study.idea.slug)


def test_success_is_bred_from_by_mutation_and_crossover(toy: Template) -> None:
    operators = {study.idea.lineage.operator for study in grown(toy, 25).studies}
    assert operators == {"seed", "mutation", "crossover"}


def test_failures_have_no_descendants(toy: Template) -> None:
    studies = grown(toy, 15, Conclusion.negligible).studies
    assert all(study.idea.lineage.parents == ("baseline",) for study in studies)


def test_a_hypothesis_states_its_settings_as_they_are_turned(toy: Template) -> None:
    evolved = [study.idea for study in grown(toy, 15).studies if study.idea.lineage.operator != "seed"]
    assert evolved
    for idea in evolved:
        for change in idea.changes:
            assert f"to `{evolution.spelled(change.after)}`" in idea.hypothesis
            assert isinstance(change.after, str) or float(evolution.spelled(change.after)) == change.after


def test_changes_are_stated_against_the_baseline(toy: Template) -> None:
    settings = source.settings(toy)
    for study in grown(toy, 15).studies:
        assert all(change.before == settings[change.knob] for change in study.idea.changes)
        assert all(change.after != settings[change.knob] for change in study.idea.changes)


def test_the_same_question_has_the_same_answer_and_another_seed_may_differ(toy: Template) -> None:
    archive = grown(toy, 8)
    assert propose(toy, archive) == propose(toy, archive)
    assert any(propose(toy, grown(toy, 8, seed=seed), seed) != propose(toy, archive) for seed in range(1, 4))


def test_slugs_are_folder_names_of_their_own(toy: Template) -> None:
    slugs = [study.idea.slug for study in grown(toy, 25).studies]
    assert len(set(slugs)) == len(slugs)


def test_learnability_is_highest_where_the_outcome_is_least_predictable(toy: Template) -> None:
    idea = propose(toy, Archive())
    cell = Cell(template=toy.name, knob=idea.changes[0].knob)
    half = Archive(
        studies=(archived(toy, idea, 1, Conclusion.supported), archived(toy, idea, 2, Conclusion.negligible))
    )
    sure = Archive(studies=tuple(archived(toy, idea, number, Conclusion.supported) for number in range(1, 5)))
    assert half.learnability(cell) == pytest.approx(0.25)
    assert sure.learnability(cell) == pytest.approx(5 / 36)
    assert sure.learnability(Cell(template=toy.name, knob="never tried")) == pytest.approx(0.25)


def test_an_exhausted_space_is_said_so(toy: Template) -> None:
    closed = toy.model_copy(update={"knobs": ()})
    study = archived(toy, propose(toy, Archive()), 1, Conclusion.negligible)
    archive = Archive(studies=(study.model_copy(update={"point": {}}),))
    with pytest.raises(ExhaustedError, match="Add knobs or seed ideas"):
        propose(closed, archive)


def test_a_knob_that_did_nothing_alone_is_not_turned_alone_again(toy: Template) -> None:
    rng = Random(1)  # noqa: S311 (a test)
    alone = next(each for each in evolution.candidates(toy, Archive(), rng) if each.asks == ("initial",))
    idle = archived(toy, evolution.idea_of(alone), 1, Conclusion.negligible, difference=0.0)
    mutants = [
        each
        for each in evolution.candidates(toy, Archive(studies=(idle,)), rng)
        if each.lineage == Lineage(operator="mutation", parents=("baseline",))
    ]
    assert {each.asks for each in mutants} == {("step_size",)}


def test_a_mutation_asks_about_the_knob_it_turns_and_not_about_what_it_inherits(toy: Template) -> None:
    archive = grown(toy, 1)
    rng = Random(1)  # noqa: S311 (a test)
    inherited = set(after(archive.studies[0].changes))
    bred = [
        each
        for each in evolution.candidates(toy, archive, rng)
        if each.lineage.operator == "mutation" and "baseline" not in each.lineage.parents
    ]
    assert {each.asks for each in bred} == {(knob.name,) for knob in toy.knobs}
    assert all(set(each.settings) <= inherited | set(each.asks) for each in bred)
