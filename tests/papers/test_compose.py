from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from papers import bibliography
from papers.checks import check
from papers.compose import REQUESTS, compose
from papers.evidence import Comparison, Conclusion, Stage, compare
from papers.facts import facts
from papers.marks import Number, Plain, Reference, flat
from papers.numerals import claims, hides
from papers.paper import Equation, Figure, Listing, Paper, Section, Table
from papers.places import blocks, cited, places
from papers.sentences import split
from papers.study import Nearest, Study
from sandboxes.job import Level
from templates.idea import Change
from templates.space import Value
from templates.trial import Trial

StudyOf = Callable[..., Study]
CONCLUSIONS = tuple(Conclusion)


def said(paper: Paper) -> str:
    """Join all prose, captions and cells."""
    return "\n".join(place.text for place in places(paper))


def marks(paper: Paper) -> Iterator[Number]:
    return (span for place in places(paper) for span in flat(place.text) if isinstance(span, Number))


def section(paper: Paper, title: str) -> Section:
    return next(each for each in paper.sections if each.title == title)


def text(part: Section) -> str:
    return said(Paper(title="", author="", abstract="", sections=(part,)))


def bare_numbers(paper: Paper) -> list[str]:
    """Find the texts that state a number outside marks, code and mathematics."""
    return [
        place.text
        for place in places(paper)
        if any(isinstance(span, Plain) and list(claims(span.text)) for span in flat(place.text))
    ]


def with_idea(study: Study, **fields: object) -> Study:
    return study.model_copy(update={"idea": study.idea.model_copy(update=fields)})


@pytest.mark.parametrize("conclusion", CONCLUSIONS)
def test_every_number_is_a_fact_that_keeps_its_sign(study_of: StudyOf, conclusion: Conclusion) -> None:
    study = study_of(conclusion)
    known = facts(study)
    paper = compose(study, REQUESTS)
    used = list(marks(paper))
    assert len(used) > 30
    assert not [mark.key for mark in used if mark.key not in known]
    assert not [mark for mark in used if hides(mark.key, mark.form, known)]
    assert not bare_numbers(paper)


def problems(study: Study) -> list[str]:
    paper = compose(study, REQUESTS)
    found = check(paper, facts(study), study.figures, study.bibliography, study.template.metric.better)
    return [str(problem) for problem in found if problem.stops]


@pytest.mark.parametrize("conclusion", CONCLUSIONS)
def test_every_composed_paper_passes_the_gates(study_of: StudyOf, conclusion: Conclusion) -> None:
    assert not problems(study_of(conclusion))


def test_a_paper_with_ablations_passes_the_gates(study_of: StudyOf) -> None:
    assert not problems(study_of(ablate=True))


def test_a_bare_template_gives_a_paper_that_passes_the_gates(study_of: StudyOf) -> None:
    study = study_of(figures=(), diff="", cited=())
    scale = study.template.scales["cpu"].model_copy(update={"settings": {}})
    metric = study.template.metric.model_copy(update={"symbol": "", "unit": ""})
    bare = {"secondary": (), "knobs": (), "metric": metric, "scales": {"cpu": scale}}
    assert not problems(study.model_copy(update={"template": study.template.model_copy(update=bare)}))


@pytest.mark.parametrize("conclusion", CONCLUSIONS)
def test_every_reference_has_its_target_and_every_float_its_reference(
    study_of: StudyOf, conclusion: Conclusion
) -> None:
    paper = compose(study_of(conclusion), REQUESTS)
    labels = [block.label for _, block in blocks(paper) if isinstance(block, Table | Figure | Listing | Equation)]
    named = {span.label for place in places(paper) for span in flat(place.text) if isinstance(span, Reference)}
    shown = {block.label for _, block in blocks(paper) if isinstance(block, Table | Figure)}
    assert len(labels) == len(set(labels))
    assert named <= set(labels)
    assert shown <= named


@pytest.mark.parametrize("conclusion", CONCLUSIONS)
def test_no_section_is_empty_and_no_paragraph_stands_twice(study_of: StudyOf, conclusion: Conclusion) -> None:
    paper = compose(study_of(conclusion), REQUESTS)
    assert all(part.blocks for part in paper.sections)
    paragraphs = [block.text for _, block in blocks(paper) if block.kind == "paragraph"]
    assert all(paragraphs)
    assert len(paragraphs) == len(set(paragraphs))


def test_every_citation_is_a_record_of_the_bibliography(study_of: StudyOf) -> None:
    study = study_of()
    keys = {entry.key for entry in bibliography.read(study.bibliography)}
    used = cited(compose(study))
    assert used <= keys
    assert set(study.cited) <= used
    assert "unknown2020" not in used


def test_titles_and_abstracts_differ_by_conclusion(study_of: StudyOf) -> None:
    papers = {conclusion: compose(study_of(conclusion)) for conclusion in CONCLUSIONS}
    assert len({paper.title for paper in papers.values()}) == len(CONCLUSIONS)
    endings = {
        Conclusion.supported: "The prediction held",
        Conclusion.refuted: "The prediction is refuted",
        Conclusion.negligible: "a well-measured null result",
        Conclusion.inconclusive: "The evidence is inconclusive",
        Conclusion.failed: "Nothing can be said about the hypothesis",
    }
    for conclusion, ending in endings.items():
        holders = [each for each, paper in papers.items() if ending in paper.abstract]
        assert holders == [conclusion]


@pytest.mark.parametrize("conclusion", [each for each in CONCLUSIONS if each is not Conclusion.failed])
def test_the_abstract_gives_effect_interval_p_and_n(study_of: StudyOf, conclusion: Conclusion) -> None:
    keys = {span.key for span in flat(compose(study_of(conclusion)).abstract) if isinstance(span, Number)}
    headline = {"confirm.difference", "confirm.low", "confirm.high", "confirm.n", "headline.p_holm", "level"}
    assert headline | {"confirm.variant", "confirm.reference", "idea.smallest_effect"} <= keys


def test_only_a_supported_prediction_is_called_so(study_of: StudyOf) -> None:
    for conclusion in CONCLUSIONS:
        paper = compose(study_of(conclusion))
        claims = ("prediction held", "survived a test", "confirmed reduction")
        assert [claim in said(paper) for claim in claims] == [conclusion is Conclusion.supported] * 3


def test_the_same_study_gives_the_same_paper(study_of: StudyOf) -> None:
    study = study_of()
    assert compose(study, REQUESTS) == compose(study, REQUESTS)


def with_better(study: Study, better: str | None) -> Study:
    """Declare which direction of the coupling rate, which fell, is better."""
    secondary = tuple(
        each.model_copy(update={"better": better}) if each.name == "couplings_per_second" else each
        for each in study.template.secondary
    )
    return study.model_copy(update={"template": study.template.model_copy(update={"secondary": secondary})})


def test_a_worsened_secondary_measurement_is_the_price_of_the_change(study_of: StudyOf) -> None:
    paper = compose(study_of())
    assert "This has a price: the coupling rate fell from [[confirm.couplings_per_second.reference" in paper.abstract
    results = text(section(paper, "Results"))
    assert "The price of the change: the coupling rate fell from" in results
    assert "the throughput" not in results


def test_an_improved_secondary_measurement_is_no_price(study_of: StudyOf) -> None:
    paper = compose(with_better(study_of(), "lower"))
    assert "price" not in paper.abstract + text(section(paper, "Results"))
    assert "The coupling rate fell from" in text(section(paper, "Results"))
    assert "for the better" in text(section(paper, "Results"))


def test_a_shift_without_a_better_direction_is_not_judged(study_of: StudyOf) -> None:
    paper = compose(with_better(study_of(), None))
    assert "coupling rate" not in paper.abstract
    assert "which is neither good nor bad in itself" in text(section(paper, "Results"))


def test_a_worsened_measurement_of_a_change_that_gains_nothing_is_no_price(study_of: StudyOf) -> None:
    paper = compose(study_of(Conclusion.refuted))
    assert "the coupling rate fell from" in paper.abstract
    assert "which is for the worse" in paper.abstract
    assert "price" not in text(section(paper, "Results"))


def table(paper: Paper, label: str) -> Table:
    return next(block for _, block in blocks(paper) if isinstance(block, Table) and block.label == label)


def test_tables_of_secondary_measurements_say_which_direction_is_better(study_of: StudyOf) -> None:
    paper = compose(study_of(), REQUESTS)
    for label in ("tab:secondary", "tab:secondary-stages"):
        shown = table(paper, label)
        better = {row[0]: row[shown.header.index("Better")] for row in shown.rows}
        assert better == {
            "Throughput (bits per token)": "higher",
            "Coupling rate (couplings per second)": "higher",
        }


def test_a_property_of_the_task_is_left_out_and_named_below_the_table(study_of: StudyOf) -> None:
    paper = compose(study_of())
    assert "the message entropy" in table(paper, "tab:secondary").note
    prose = [block.text for _, block in blocks(paper) if block.kind == "paragraph"]
    assert not [each for each in prose if "same value in both arms" in each]


def test_secondary_measurements_by_stage_are_one_row_each_and_few_sentences(study_of: StudyOf) -> None:
    paper = compose(study_of(), frozenset({"secondary-measurements"}))
    shown = table(paper, "tab:secondary-stages")
    assert shown.header[2:5] == ("Pilot", "Full", "Confirmation")
    assert len(shown.rows) == 2
    assert shown.rows[1][-1] == "at every stage"
    said = [block for _, block in blocks(paper) if block.kind == "paragraph" and "tab:secondary-stages" in block.text]
    assert len(split(said[0].text)) <= 3


def test_values_by_seed_stand_side_by_side(study_of: StudyOf) -> None:
    shown = table(compose(study_of(), frozenset({"per-seed-values"})), "tab:seeds")
    assert len(shown.rows) == 10
    keys = {span.key for row in shown.rows for cell in row for span in flat(cell) if isinstance(span, Number)}
    assert {"confirm.seed.1009.difference", "full.seed.16.variant", "pilot.seed.3.reference"} <= keys
    assert shown.rows[-1][4:] == ("",) * 6


def test_the_table_of_costs_counts_the_trials(study_of: StudyOf) -> None:
    shown = table(compose(study_of(), frozenset({"compute-cost"})), "tab:costs")
    assert shown.rows[0][1] == "[[cost.trial.baseline.n:.0f]]"


def test_an_effect_that_faded_on_fresh_seeds_is_told_as_selection(study_of: StudyOf) -> None:
    assert "winner's curse" in said(compose(study_of(shrink=2.0)))
    assert "winner's curse" not in said(compose(study_of()))


def test_a_sign_that_was_never_settled_is_not_called_selection(study_of: StudyOf) -> None:
    study = study_of()
    trials = tuple(
        trial.model_copy(update={"measurements": {**trial.measurements, "residual_entropy": float(2 + trial.seed % 2)}})
        if trial.variant == "merge-on" and 11 <= trial.seed <= 16
        else trial
        for trial in study.trials
    )
    paper = compose(study.model_copy(update={"trials": trials, "comparisons": compare_again(study, trials)}))
    results = text(section(paper, "Results"))
    assert "its sign was never settled" in results
    assert "winner's curse" not in results


def test_ablations_name_the_change_that_carries_the_effect(study_of: StudyOf) -> None:
    results = text(section(compose(study_of(ablate=True)), "Results"))
    assert "Only `merge` is needed by this measure" in results
    assert "Ablations" not in text(section(compose(study_of()), "Results"))


def test_several_changes_without_ablation_are_a_limitation(study_of: StudyOf) -> None:
    study = study_of()
    tolerance = Change(knob="merge_tolerance", before=1e-9, after=0.01)
    several = compose(with_idea(study, changes=(*study.idea.changes, tolerance)))
    assert "no ablation was run" in text(section(several, "Limitations"))
    assert "no ablation was run" not in text(section(compose(study), "Limitations"))


def test_a_wide_interval_is_a_limitation(study_of: StudyOf) -> None:
    wide = "wider than the effect that the study set out to detect"
    assert wide in text(section(compose(study_of(Conclusion.inconclusive)), "Limitations"))
    assert wide not in text(section(compose(study_of()), "Limitations"))


def test_failures_and_missing_seeds_are_told(study_of: StudyOf) -> None:
    told = text(section(compose(study_of()), "What was tried and not shown"))
    assert "[[trials.failed:.0f]] ended without a measurement" in told
    assert "seed `1010` of `merge-on` (crashed)" in told
    listings = [block for _, block in blocks(compose(study_of())) if isinstance(block, Listing)]
    assert any("ValueError: mass 1.2 > 1" in listing.code for listing in listings)


def test_lost_trials_are_counted_by_variant_and_ending(study_of: StudyOf) -> None:
    study = study_of(Conclusion.failed)
    shown = table(compose(study), "tab:endings")
    known = facts(study)
    assert shown.header == ("Variant", "Finished", "Crashed", "In all")
    counts = [
        [known[mark.key].value for cell in row for mark in flat(cell) if isinstance(mark, Number)] for row in shown.rows
    ]
    assert counts == [[3, 3], [3, 3], [3, 3, 6]]
    assert [row[1:3] for row in shown.rows[:2]] == [
        ("[[trials.of.baseline.finished:.0f]]", "–"),
        ("–", "[[trials.of.merge-on.crashed:.0f]]"),
    ]
    assert "The trials that were lost are of `merge-on`" in text(section(compose(study), "Results"))


def test_every_idea_of_the_campaign_has_a_row(study_of: StudyOf) -> None:
    study = study_of()
    tables = [block for _, block in blocks(compose(study)) if isinstance(block, Table) and block.label == "tab:ideas"]
    assert [row[0] for row in tables[0].rows] == ["[[past.1:.0f]]", "[[past.2:.0f]]"]
    assert tables[0].rows[0][-1] == "inconclusive"


def descended(study: Study, operator: str, *parents: str) -> Study:
    return with_idea(study, lineage=study.idea.lineage.model_copy(update={"operator": operator, "parents": parents}))


def test_an_evolved_idea_is_named_by_what_it_turns(study_of: StudyOf) -> None:
    study = descended(study_of(), "mutation", "baseline")
    paper = compose(study)
    assert paper.title == "Switching `merge` on: a confirmed reduction of residual message entropy"
    assert "a mutation of the unchanged method" in text(section(paper, "Introduction"))
    assert study.idea.title not in paper.title + paper.abstract + text(section(paper, "Conclusion"))
    assert not problems(study)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ((("merge", True, False),), "Switching `merge` off"),
        ((("merge_tolerance", 1e-9, 0.01),), "Raising `merge_tolerance`"),
        ((("algorithm", "fimec", "arimec"),), "Taking `arimec` as `algorithm`"),
        ((("partition_score", "entropy", "entropy + max_mass"),), "Rewriting `partition_score`"),
        (
            (("merge", False, True), ("merge_tolerance", 0.01, 1e-9)),
            "Switching `merge` on and reducing `merge_tolerance`",
        ),
        (
            (("merge", False, True), ("merge_tolerance", 0.01, 1e-9), ("algorithm", "fimec", "arimec")),
            "Switching `merge` on, reducing `merge_tolerance` and more",
        ),
    ],
)
def test_titles_of_evolved_ideas_say_what_was_done(
    study_of: StudyOf, changes: tuple[tuple[str, Value, Value], ...], named: str
) -> None:
    turned = tuple(Change(knob=knob, before=before, after=after) for knob, before, after in changes)
    study = with_idea(descended(study_of(), "mutation", "baseline"), changes=turned)
    assert compose(study).title.startswith(f"{named}: ")
    assert not problems(study)


def with_parent(study: Study, **fields: object) -> Study:
    """Make the earlier study of the campaign a parent of this one, with other figures."""
    past = study.tried[0].model_copy(update=fields)
    return descended(study.model_copy(update={"tried": (past, *study.tried[1:])}), "mutation", past.slug)


def test_a_parent_is_told_with_what_it_concluded(study_of: StudyOf) -> None:
    study = with_parent(study_of())
    paper = compose(study)
    told = text(section(paper, "Introduction"))
    assert "a mutation of study [[past.1:.0f]], “Score partitions by their largest mass”" in told
    assert "Study [[past.1:.0f]] stayed inconclusive, with a mean difference to the baseline of [[past.1." in told
    assert not problems(study)


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        (-0.2, 0.28, "the intervals are apart, and the new one is on the better side"),
        (-2.0, -1.5, "the intervals are apart, and the new one is on the worse side"),
        (-0.9, -0.1, "the intervals overlap"),
    ],
)
def test_a_headline_is_set_beside_its_parents(study_of: StudyOf, low: float, high: float, sentence: str) -> None:
    study = with_parent(study_of(), low=low, high=high, difference=(low + high) / 2)
    assert sentence in text(section(compose(study), "What was tried and not shown"))
    assert not problems(study)


def test_an_idea_without_parents_is_told_apart_from_the_supported_ones(study_of: StudyOf) -> None:
    study = descended(study_of(), "seed", "baseline")
    told = text(section(compose(study), "What was tried and not shown"))
    assert "builds on none of the earlier ones, of which none was supported" in told
    past = study.tried[0].model_copy(update={"conclusion": Conclusion.supported})
    other = compose(study.model_copy(update={"tried": (past, study.tried[1])}))
    assert "Of these, “Score partitions by their largest mass” was supported" in said(other)
    assert "whether the gains add up" in text(section(other, "Conclusion"))


LONGEST_SENTENCE = 45


def words(sentence: str) -> int:
    """Count words, a mark as one."""
    bare = re.sub(r"\[[@#][^\]]*\]", "", re.sub(r"\[\[[^\]]*\]\]", "0", sentence))
    return len(re.sub(r"\$[^$]*\$", "x", bare).split())


@pytest.mark.parametrize("conclusion", CONCLUSIONS)
def test_no_sentence_is_long(study_of: StudyOf, conclusion: Conclusion) -> None:
    for study in (study_of(conclusion), with_parent(study_of(conclusion))):
        texts = [place.text for place in places(compose(study, REQUESTS))]
        assert not [each for each in texts for sentence in split(each) if words(sentence) > LONGEST_SENTENCE]


@pytest.mark.parametrize("conclusion", CONCLUSIONS)
def test_no_sentence_of_the_abstract_or_the_conclusion_stands_elsewhere(
    study_of: StudyOf, conclusion: Conclusion
) -> None:
    paper = compose(study_of(conclusion))
    abstract = set(split(paper.abstract))
    told = {part.title: set(split(text(part))) for part in paper.sections}
    assert not told["Conclusion"] & (abstract | told["Introduction"] | told["Results"])
    assert not abstract & (told["Introduction"] | told["Results"])


def test_two_arms_that_agree_on_every_seed_are_called_a_change_that_does_nothing(study_of: StudyOf) -> None:
    study = study_of(Conclusion.negligible)
    same = {trial.seed: trial.measurements for trial in study.trials if trial.variant == "baseline"}
    trials = tuple(
        trial.model_copy(update={"measurements": same[trial.seed]}) if trial.ending == "finished" else trial
        for trial in study.trials
    )
    found = compare_again(study, trials)
    own = study.tried[1].model_copy(update={"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "p_holm": None})
    equal = study.model_copy(
        update={"trials": trials, "comparisons": found, "tried": (study.tried[0], own), "p_holm": None}
    )
    paper = compose(equal, REQUESTS)
    assert "the very same value in both arms" in paper.abstract
    assert "the method probably never uses `merge` at these settings" in text(section(paper, "Conclusion"))
    assert not problems(equal)
    assert "the very same value in both arms" not in said(compose(study))


def compare_again(study: Study, trials: tuple[Trial, ...]) -> tuple[Comparison, ...]:
    found = []
    for old in study.comparisons:
        seeds = {*old.seeds, *(gap.seed for gap in old.missing)}
        ours, theirs = (
            [each for each in trials if each.variant == variant and each.seed in seeds]
            for variant in (old.variant, old.reference)
        )
        again = compare(old.stage, old.variant, old.reference, old.metric, old.better, ours, theirs)
        assert again is not None
        found.append(again)
    return tuple(found)


def test_a_study_that_ended_early_does_not_speak_of_confirmation(study_of: StudyOf) -> None:
    study = study_of(Conclusion.inconclusive)
    pilot = study.comparisons[:1]
    own = study.tried[1].model_copy(update={"difference": pilot[0].difference, "p": pilot[0].p})
    early = study.model_copy(update={"comparisons": pilot, "tried": (study.tried[0], own), "p_holm": None})
    paper = compose(early, REQUESTS)
    assert not problems(early)
    assert "fresh" not in paper.abstract
    assert study.reason in said(paper)
    assert "was not repeated on fresh seeds, so it is not confirmed" in said(paper)
    assert not [mark.key for mark in marks(paper) if mark.key.startswith("confirm.")]


def test_a_change_that_never_ran_gives_a_paper_that_says_so(study_of: StudyOf) -> None:
    study = study_of(Conclusion.failed)
    ran = tuple(trial for trial in study.trials if trial.variant == "baseline")
    paper = compose(study.model_copy(update={"trials": ran}), REQUESTS)
    assert "left no two seeds with both arms" in paper.abstract
    labels = {block.label for _, block in blocks(paper) if isinstance(block, Table | Listing | Figure)}
    named = {span.label for place in places(paper) for span in flat(place.text) if isinstance(span, Reference)}
    assert named <= labels


def test_a_study_whose_confirmation_failed_claims_nothing_of_its_earlier_stages(study_of: StudyOf) -> None:
    study = study_of()
    unfinished = {
        "difference": None,
        "low": None,
        "high": None,
        "p": None,
        "p_holm": None,
        "conclusion": Conclusion.failed,
    }
    own = study.tried[1].model_copy(update=unfinished)
    broken = study.model_copy(
        update={
            "comparisons": study.comparisons[:2],
            "conclusion": Conclusion.failed,
            "p_holm": None,
            "tried": (study.tried[0], own),
        }
    )
    paper = compose(broken, REQUESTS)
    assert paper.title.endswith("could not be confirmed")
    assert "reported for completeness only" in paper.abstract
    assert "prediction held" not in said(paper)
    assert not [mark.key for mark in marks(paper) if mark.key not in facts(broken)]


def test_seeds_used_twice_are_not_called_fresh(study_of: StudyOf) -> None:
    study = study_of()
    reused = study.comparisons[2].model_copy(update={"stage": Stage.full})
    paper = compose(study.model_copy(update={"comparisons": (reused, study.comparisons[2])}))
    assert "fresh" not in paper.abstract
    assert "no earlier stage had used" not in said(paper)
    assert "weakens it as a test" in said(paper)
    assert "fresh" in compose(study).abstract


@pytest.mark.parametrize("request_", sorted(REQUESTS))
def test_a_request_adds_a_table_and_a_paragraph_of_its_own(study_of: StudyOf, request_: str) -> None:
    study = study_of()
    before, after = compose(study), compose(study, frozenset({request_}))
    added = [block for _, block in blocks(after) if block not in [old for _, old in blocks(before)]]
    kinds = [block.kind for block in added]
    assert kinds.count("paragraph") == 1
    assert "table" in kinds


def test_an_unknown_request_changes_nothing(study_of: StudyOf) -> None:
    study = study_of()
    assert compose(study, frozenset({"more-hype"})) == compose(study)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (False, True, "The option `merge` was switched on; the baseline has it off."),
        (1e-9, 0.01, "was raised from [["),
        (0.05, 0.01, "was reduced from [["),
        ("fimec", "arimec", "The choice `algorithm` was set to `arimec`, where the baseline has `fimec`."),
        ("entropy", "entropy - max_mass", "keeps the baseline's value and subtracts `max_mass` from it. It now reads"),
        (
            "entropy",
            "max(max_mass, entropy)",
            "keeps the baseline's value and passes it through `max`, beside `max_mass`",
        ),
        ("entropy", "max_mass / entropy", "divides `max_mass` by it"),
        ("entropy", "-entropy", "keeps the baseline's value and turns its sign. It reads the same inputs as before."),
        ("entropy", "2 * (entropy + max_mass)", "The baseline's value is still a part of the variant's."),
        ("entropy", "0.25 + entropy", "adds it to a constant"),
        ("entropy", "--max_mass", "Simplified, it is `max_mass`."),
        ("entropy", "max_mass", "It now reads `max_mass` and no longer reads `entropy`."),
    ],
)
def test_each_kind_of_knob_is_told_in_words(study_of: StudyOf, before: Value, after: Value, sentence: str) -> None:
    knob = {bool: "merge", float: "merge_tolerance", str: "algorithm"}[type(before)]
    change = Change(knob="partition_score" if before == "entropy" else knob, before=before, after=after)
    paper = compose(with_idea(study_of(), changes=(change,)))
    assert sentence in text(section(paper, "Method"))


def test_a_rewritten_function_is_shown_before_and_after(study_of: StudyOf) -> None:
    change = Change(knob="partition_score", before="entropy", after="entropy - max_mass")
    study = with_idea(study_of(), changes=(change,))
    shown = [each for _, each in blocks(compose(study)) if isinstance(each, Listing) and "partition" in each.label]
    assert shown[0].code.splitlines() == [
        "# baseline",
        "def partition_score(entropy, max_mass):",
        "    return entropy",
        "",
        "# variant",
        "def partition_score(entropy, max_mass):",
        "    return entropy - max_mass",
    ]
    assert not problems(study)


def test_a_change_of_code_alone_is_told_by_its_listing(study_of: StudyOf) -> None:
    paper = compose(with_idea(study_of(), changes=()))
    assert "rewrites code instead of turning a declared setting" in text(section(paper, "Method"))
    assert any(isinstance(block, Listing) and block.language == "diff" for _, block in blocks(paper))


def test_a_long_code_change_stands_in_the_appendix(study_of: StudyOf) -> None:
    study = study_of()
    long = study.model_copy(update={"diff": study.diff + " context\n" * 80})
    homes = [part for part, block in blocks(compose(long)) if isinstance(block, Listing) and block.label == "lst:diff"]
    assert [part.appendix for part in homes] == [True]


def test_the_paper_says_who_made_it(study_of: StudyOf) -> None:
    study = study_of()
    made = text(section(compose(study), "How this paper was made"))
    assert "This paper is AI-generated" in made
    assert "No language model had a part in it" in made
    helped = study.provenance.model_copy(
        update={"researchers": {"Propose": "vendor/some-model-7", "Write": "embedded"}}
    )
    other = text(section(compose(study.model_copy(update={"provenance": helped})), "How this paper was made"))
    assert "`vendor/some-model-7`" in other
    assert "No language model" not in other


@pytest.mark.parametrize(
    "readme", ["", "# Only a title\n", "Just text, no headings.\n", "## Background\n", "```\nnever closed\n"]
)
def test_a_thin_readme_gives_a_whole_paper(study_of: StudyOf, readme: str) -> None:
    paper = compose(study_of(background=readme), REQUESTS)
    assert all(part.blocks for part in paper.sections)
    assert [part.title for part in paper.sections][:3] == ["Introduction", "Background and related work", "Method"]


def test_a_survey_that_found_nothing_is_said_to(study_of: StudyOf) -> None:
    paper = compose(study_of(cited=(), bibliography=""))
    assert "found no record" in text(section(paper, "Background and related work"))
    assert not cited(paper)


def test_the_nearest_works_are_named_with_what_they_leave_open(study_of: StudyOf) -> None:
    study = study_of()
    first, second = study.cited[:2]
    near = study.model_copy(
        update={
            "nearest": (
                Nearest(key=first, difference="It couples 3 symbols at once, [[confirm.p]] and merges none"),
                Nearest(key=second, difference="It measures another quantity."),
                Nearest(key="gone2020", difference="It is on no list."),
            )
        }
    )
    told = text(section(compose(near), "Background and related work"))
    assert re.search(rf"\[@{first}\]: It couples \[\[quoted\.nearest\.1\.1:\.0f\]\] symbols at once", told)
    assert f"[@{second}]: It measures another quantity." in told
    assert "gone2020" not in told
    assert "closest to the idea" not in told
    assert not problems(near)
    without = text(section(compose(study), "Background and related work"))
    assert "nearest" not in without
    assert "closest to the idea" in without


def test_a_record_without_an_author_is_not_cited(study_of: StudyOf) -> None:
    study = study_of()
    thin = study.bibliography.replace("  author = {Samuel Sokota and others},\n", "")
    assert "sokota2024" in cited(compose(study))
    assert "sokota2024" not in cited(compose(study.model_copy(update={"bibliography": thin})))


HOSTILE = (
    r"\input{/etc/passwd} [[confirm.p]] [[fake.key]] [@fake2024] [#fig:fake] 99.9 % better \write18{id} $x ` * ** [[[["
)


@pytest.mark.parametrize("where", ["title", "hypothesis", "rationale", "readme", "message"])
def test_outside_text_cannot_set_marks_or_state_bare_numbers(study_of: StudyOf, where: str) -> None:
    study = study_of()
    match where:
        case "readme":
            study = study.model_copy(
                update={"background": f"## Background\n\n{HOSTILE}\n\n- {HOSTILE}\n\n## The method\n{HOSTILE}"}
            )
        case "message":
            trials = tuple(trial.model_copy(update={"message": HOSTILE}) for trial in study.trials)
            study = study.model_copy(update={"trials": trials})
        case _:
            study = with_idea(study, **{where: HOSTILE})
    clean = compose(study_of(), REQUESTS)
    paper, known = compose(study, REQUESTS), facts(study)
    assert not [mark.key for mark in marks(paper) if mark.key not in known]
    assert "fake.key" not in {mark.key for mark in marks(paper)}
    assert "fake2024" not in cited(paper)
    assert not bare_numbers(paper)
    labels = {span.label for place in places(paper) for span in flat(place.text) if isinstance(span, Reference)}
    assert labels == {span.label for place in places(clean) for span in flat(place.text) if isinstance(span, Reference)}
    confirmed = [sum(mark.key == "confirm.p" for mark in marks(each)) for each in (paper, clean)]
    assert confirmed[0] == confirmed[1]
    assert not problems(study)


def test_a_plain_process_is_never_called_a_sandbox(study_of: StudyOf) -> None:
    study = study_of()
    bare = tuple(trial.model_copy(update={"level": Level.process, "backend": "process"}) for trial in study.trials)
    unsafe = study.model_copy(update={"trials": bare})
    text = compose(unsafe).model_dump_json()
    assert "without isolation" in text
    assert "could not touch the scorer" not in text
    assert "could not touch the scorer" in compose(study).model_dump_json()
    assert problems(unsafe) == []


def test_a_long_command_is_broken_between_its_options(study_of: StudyOf) -> None:
    study = study_of()
    command = "ratchet run a_template --name " + "n" * 50 + " --scale cpu --studies 1 --seed 0"
    long = study.model_copy(update={"provenance": study.provenance.model_copy(update={"command": command})})
    code = next(block.code for _, block in blocks(compose(long)) if block.kind == "listing" and "ratchet" in block.code)
    assert max(map(len, code.splitlines())) < 80
    assert code.replace(" \\\n   ", "") == command


def test_a_paper_by_a_language_model_is_repeated_from_the_record_and_says_its_tokens(study_of: StudyOf) -> None:
    study = study_of()
    told = {
        "command": "ratchet replay first --again",
        "from_record": True,
        "tokens": 130_000,
        "researchers": {"all": "a/b"},
    }

    def made(**more: object) -> str:
        changed = study.provenance.model_copy(update={**told, **more})
        composed = study.model_copy(update={"provenance": changed})
        assert problems(composed) == []
        return compose(composed).model_dump_json()

    assert "nobody is asked anew" in made()
    assert "[[cost.tokens:,.0f]] tokens, [[cost.spend_usd:.2f]] USD" in made(spend_usd=0.4)
    assert "tokens, price not known" in made(unpriced_tokens=130_000)
    assert "without those whose price is not known" in made(unpriced_tokens=1_000)
    assert "from its own record" not in compose(study).model_dump_json()
