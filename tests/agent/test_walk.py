"""Whole walks through the graph in seconds: the sandbox is scripted, everything else is real."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from walking import BOLDER, LINE, Measure, begun, crashing_when_bold, go, lower_for_the_line

from agent import campaign, ledger
from agent.archive import ArchivedStudy
from agent.budget import Budget, BudgetReachedError
from agent.campaign import Campaign, CampaignError, StudyFolder
from agent.entry import Event, spent
from agent.state import StopRequestedError
from papers.evidence import Comparison, Conclusion
from papers.facts import facts
from papers.study import Study


def stopped(made: Campaign, at: str, measure: Measure = lower_for_the_line) -> None:
    with pytest.raises(StopRequestedError):
        go(made, measure, stop_at=at)


def outcome(study: StudyFolder) -> ArchivedStudy:
    return ArchivedStudy.load(study.outcome)


def asked(made: Campaign) -> list[str]:
    return [entry.detail for entry in ledger.read(made.ledger) if entry.event is Event.asked]


STEPS = ("propose", "survey", "implement", "rehearse", "experiment (pilot)", "compare", "plot", "write", "press")


@pytest.mark.parametrize("at", STEPS)
def test_a_campaign_that_is_moved_between_steps_asks_and_runs_nothing_again(tmp_path: Path, at: str) -> None:
    reference = begun(tmp_path / "reference", LINE)
    go(reference)
    made = begun(tmp_path / "before", LINE)
    stopped(made, at)
    shutil.rmtree(tmp_path / "before" / "templates")
    moved = Campaign((tmp_path / "before" / "campaigns").rename(tmp_path / "elsewhere") / "story")
    go(moved)
    assert asked(moved) == asked(reference)
    (study,) = moved.studies()
    assert outcome(study) == outcome(reference.studies()[0])
    assert "seeds" in (study.paper / "paper.tex").read_text()


def test_figures_are_found_from_whatever_folder_a_campaign_is_continued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del capsys
    made = begun(tmp_path, LINE)
    stopped(made, "plot")
    drawn = made.studies()[0].figures / "drawn.json"
    drawn.write_text(drawn.read_text().replace(str(tmp_path), "relative"))
    go(made)
    assert made.studies()[0].paper_pdf.exists()


def test_a_checkpoint_of_another_campaign_is_not_followed(tmp_path: Path) -> None:
    other, made = begun(tmp_path / "other", LINE), begun(tmp_path / "made", LINE)
    stopped(other, "experiment (full)")
    stopped(made, "propose")
    shutil.copyfile(other.checkpoint, made.checkpoint)
    go(made)
    assert made.studies()[0].manifest.exists()


@pytest.mark.parametrize("lost", ["related.json", "code", "trials", "comparisons"])
def test_a_checkpoint_newer_than_the_files_leads_to_the_same_end(tmp_path: Path, lost: str) -> None:
    reference, made = begun(tmp_path / "reference", LINE), begun(tmp_path / "made", LINE)
    go(reference)
    stopped(made, "experiment (full)")
    study = made.studies()[0]
    gone = study.folder / lost
    gone.rename(tmp_path / "gone")
    go(made)
    assert outcome(study) == outcome(reference.studies()[0])
    assert len(list(study.comparisons.iterdir())) == len(list(reference.studies()[0].comparisons.iterdir()))


@pytest.mark.parametrize("at", STEPS)
def test_without_its_checkpoint_a_study_ends_the_same(tmp_path: Path, at: str) -> None:
    reference, made = begun(tmp_path / "reference", LINE), begun(tmp_path / "made", LINE)
    go(reference)
    stopped(made, at)
    made.checkpoint.unlink()
    go(made)
    assert asked(made) == asked(reference)
    assert outcome(made.studies()[0]) == outcome(reference.studies()[0])


def test_a_study_that_has_only_its_idea_is_brought_to_its_end(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    stopped(made, "propose")
    made.checkpoint.unlink()
    made.ledger.unlink()
    shutil.rmtree(made.exchanges)
    go(made)
    assert [study.manifest.exists() for study in made.studies()] == [True]


@pytest.mark.parametrize("line", ['scale = "cpu"', "seed = 5"])
def test_a_brief_whose_terms_were_changed_under_way_is_refused(tmp_path: Path, line: str) -> None:
    made = begun(tmp_path, LINE)
    stopped(made, "experiment (pilot)")
    name = line.split(" ", 1)[0]
    kept = [each for each in made.brief.read_text().splitlines() if not each.startswith(name)]
    made.brief.write_text("\n".join([line, *kept]) + "\n")
    with pytest.raises(CampaignError, match="Put it back"):
        go(made)


def test_a_template_that_was_edited_in_the_campaign_is_refused(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    stopped(made, "experiment (pilot)")
    with (made.templates / "toy" / "harness.py").open("a") as harness:
        harness.write("# kinder\n")
    with pytest.raises(CampaignError, match="toy"):
        go(made)


def test_a_finished_campaign_does_nothing_more_until_it_is_asked_for_more(tmp_path: Path) -> None:
    made = begun(tmp_path, studies=2)
    go(made)
    jobs: list[str] = []
    assert go(made, jobs=jobs) == []
    for studies in (1, 3):
        campaign.write_brief(made, campaign.read_brief(made).model_copy(update={"studies": studies}))
        go(made, jobs=jobs)
        assert len(made.studies()) == max(2, studies)
    assert jobs != []


def test_a_study_has_no_outcome_before_it_is_concluded(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    stopped(made, "experiment (confirm)")
    assert not made.studies()[0].outcome.exists()
    go(made)
    assert outcome(made.studies()[0]).conclusion is Conclusion.supported


def test_a_retreat_is_told_as_what_ran(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, BOLDER)
    go(made, crashing_when_bold)
    (study,) = made.studies()
    told = Study.load(study.paper / "study.json")
    assert [change.knob for change in outcome(study).changes] == ["step_size"]
    assert [change.knob for change in outcome(study).idea.changes] == ["step_size", "initial"]
    assert [change.knob for change in told.idea.changes] == ["step_size"]
    assert "knob.initial.after" not in facts(told)
    assert "taken back" in (study.paper / "paper.tex").read_text()


def test_a_repair_that_takes_nothing_back_leaves_the_idea_as_it_was_put(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made)
    assert "taken back" not in (made.studies()[0].paper / "paper.tex").read_text()


def test_an_idea_that_was_retreated_from_is_not_proposed_again(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, BOLDER, studies=3)
    go(made, crashing_when_bold)
    slugs = [study.slug for study in made.studies()]
    assert len(slugs) == len(set(slugs)) == 3
    inherited = [change.after for study in made.studies()[1:] for change in outcome(study).idea.changes]
    assert 0.9 not in inherited


def test_confirmation_seeds_are_fresh_and_no_two_studies_share_them(tmp_path: Path) -> None:
    made = begun(tmp_path, studies=3)
    go(made, lambda code, seed: lower_for_the_line(code, seed) - (0.5 if "1 + time" in code else 0.0))
    stages = {
        (study.number, path.stem): set(Comparison.load(path).seeds)
        for study in made.studies()
        for path in study.comparisons.glob("*.json")
    }
    confirmed = [seeds for (_, stage), seeds in stages.items() if stage == "confirm"]
    assert len(confirmed) >= 2
    assert not set.intersection(*confirmed)
    chosen = set.union(*(seeds for (_, stage), seeds in stages.items() if stage != "confirm"))
    assert not chosen & set.union(*confirmed)


def test_a_pilot_in_which_no_seed_moves_as_predicted_ends_the_study(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made, lambda code, seed: -lower_for_the_line(code, seed))
    (study,) = made.studies()
    assert [path.stem for path in study.comparisons.glob("*.json")] == ["pilot"]
    assert outcome(study).conclusion is not Conclusion.supported
    assert study.paper_pdf.exists()


def test_each_ablation_is_held_against_the_whole_change(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, BOLDER)
    go(made)
    (study,) = made.studies()
    ablations = [Comparison.load(path) for path in study.comparisons.glob("*-without-*.json")]
    assert {each.reference for each in ablations} == {"the-idea"}
    assert {each.variant for each in ablations} == {"the-idea-without-initial", "the-idea-without-step-size"}


def test_a_seed_that_crashed_is_missing_and_counted(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    go(made, lambda code, seed: None if seed == 1003 and "time / horizon" in code else lower_for_the_line(code, seed))
    comparison = outcome(made.studies()[0]).comparison
    assert comparison is not None
    assert [(gap.seed, gap.ending) for gap in comparison.missing] == [(1003, "crashed")]
    assert 1003 not in comparison.seeds


def test_the_corrected_p_is_the_same_in_the_facts_and_in_the_paper(tmp_path: Path) -> None:
    made = begun(tmp_path, studies=3)
    go(made)
    last = made.studies()[-1]
    told = Study.load(last.paper / "study.json")
    assert facts(told)["headline.p_holm"].value == pytest.approx(told.p_holm)
    assert [past.number for past in told.tried] == [1, 2, 3]


def test_each_study_is_charged_its_own_time(tmp_path: Path) -> None:
    made = begun(tmp_path, studies=2)
    go(made)
    first, second = (Study.load(study.paper / "study.json").provenance.wall_seconds for study in made.studies())
    total = spent(tuple(ledger.read(made.ledger))).wall_seconds
    assert first > 0
    assert second > 0
    assert first + second < total


def test_a_budget_stops_between_trials_and_counts_across_walks(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE, budget=Budget(wall_seconds=1e-9))
    with pytest.raises(BudgetReachedError, match="ratchet resume story"):
        go(made)
    with pytest.raises(BudgetReachedError):
        go(made)
    campaign.write_brief(made, campaign.read_brief(made).model_copy(update={"budget": Budget(usd=0.0)}))
    go(made)
    assert made.studies()[0].paper_pdf.exists()


def test_the_time_up_to_a_stop_is_counted(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    stopped(made, "compare")
    assert [entry.event for entry in ledger.read(made.ledger)][-1] is Event.closed
