from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from sandboxes.bubblewrap import Bubblewrap
from sandboxes.job import Job, Limits, Outcome
from sandboxes.scripted import Scripted
from templates import source, template, trial
from templates.idea import Change
from templates.template import Template, TemplateError
from templates.trial import Trial, TrialEnding

SHORT = Limits(
    wall_seconds=5,
    cpu_seconds=2,
    memory_bytes=2**28,
    work_bytes=2**24,
    output_bytes=10_000,
    processes=16,
)


def hurried(descent: Template) -> Template:
    """The same template with little time and little room for what it prints."""
    smoke = descent.scales["smoke"].model_copy(update={"limits": SHORT})
    return descent.model_copy(update={"scales": {**descent.scales, "smoke": smoke}})


def tried(sandbox: Bubblewrap, descent: Template, program: str, place: Path) -> Trial:
    """Run `program` in the experiment's place, its `main` given the folder for results."""
    text = f"import sys\nfrom pathlib import Path\nout = Path(sys.argv[4])\n{program}\n"
    source.write(descent, {"experiment.py": text}, place / "code")
    return trial.run(sandbox, hurried(descent), place / "code", "changed", 1, "smoke", place / "trial")


def scored_by(folder: Path, program: str) -> Template:
    """The template with a scorer that runs `program`, given the folder for results."""
    text = f"import sys\nfrom pathlib import Path\nout = Path(sys.argv[6])\n{program}\n"
    (folder / "harness.py").write_text(text)
    return template.load(folder)


def baseline(sandbox: Bubblewrap | Scripted, descent: Template, place: Path, seed: int = 1) -> Trial:
    source.write(descent, {}, place / "code")
    return trial.run(sandbox, descent, place / "code", "baseline", seed, "smoke", place / f"s{seed}")


def test_a_finished_trial_has_its_measurements_and_everything_is_on_disk(
    sandbox: Bubblewrap, descent: Template, tmp_path: Path
) -> None:
    ran = baseline(sandbox, descent, tmp_path)
    assert ran.ending == TrialEnding.finished, ran.message
    assert set(ran.measurements) == {"log_loss", "mean_log_loss"}
    assert (ran.template_digest, ran.code_digest) == (descent.digest, source.digest(tmp_path / "code"))
    assert ran.level == sandbox.level
    folder = tmp_path / "s1"
    assert Trial.load(folder / "trial.json") == ran
    lines = [json.loads(line) for line in (folder / "measurements.jsonl").read_text().splitlines()]
    assert {line["name"]: line["value"] for line in lines} == ran.measurements
    assert "loss" in (folder / "stdout.txt").read_text()
    assert json.loads((folder / "settings.json").read_text())["seed"] == 1
    assert Job.load(folder / "job.json").limits == descent.scales["smoke"].limits


def test_seeds_and_knobs_change_what_is_measured(sandbox: Bubblewrap, descent: Template, tmp_path: Path) -> None:
    first, other = baseline(sandbox, descent, tmp_path), baseline(sandbox, descent, tmp_path, seed=2)
    files = source.apply(descent, [Change(knob="initial", before=0.3, after=0.003)])
    source.write(descent, files, tmp_path / "timid")
    timid = trial.run(sandbox, descent, tmp_path / "timid", "timid", 1, "smoke", tmp_path / "t")
    assert len({each.measurements["log_loss"] for each in (first, other, timid)}) == 3
    assert timid.measurements["log_loss"] == pytest.approx(0, abs=0.1), "tiny steps get nowhere"


def test_a_trial_that_is_over_is_not_run_again(sandbox: Bubblewrap, descent: Template, tmp_path: Path) -> None:
    ran = baseline(sandbox, descent, tmp_path)
    idle = Scripted(lambda _: None)
    assert baseline(idle, descent, tmp_path) == ran
    assert idle.jobs == []


def test_a_trial_of_other_code_is_run_and_the_old_one_kept(
    sandbox: Bubblewrap, descent: Template, tmp_path: Path
) -> None:
    first = baseline(sandbox, descent, tmp_path)
    source.write(descent, {"experiment.py": "raise SystemExit(1)"}, tmp_path / "code")
    second = trial.run(sandbox, descent, tmp_path / "code", "baseline", 1, "smoke", tmp_path / "s1")
    assert second.ending == TrialEnding.crashed
    assert Trial.load(tmp_path / "s1.abandoned-1" / "trial.json") == first


def test_a_template_that_changed_under_a_campaign_is_not_scored_by_its_new_scorer(
    descent: Template, tmp_path: Path
) -> None:
    (descent.folder / "harness.py").write_text("print('kinder')")
    idle = Scripted(lambda _: None)
    with pytest.raises(TemplateError, match="changed after it was loaded"):
        baseline(idle, descent, tmp_path)
    assert idle.jobs == []


def test_what_a_kill_left_half_done_is_set_aside_and_run_anew(
    sandbox: Bubblewrap, descent: Template, tmp_path: Path
) -> None:
    def killed(job: Job) -> Outcome | None:
        (job.logs / "stdout.txt").write_text("half")
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            baseline(Scripted(killed), descent, tmp_path)
    assert not (tmp_path / "s1" / "trial.json").exists()
    assert baseline(sandbox, descent, tmp_path).ending == TrialEnding.finished
    assert (tmp_path / "s1.abandoned-1" / "stdout.txt").read_text() == "half"
    assert (tmp_path / "s1.abandoned-2" / "stdout.txt").read_text() == "half"


def test_an_experiment_that_crashes_says_why_without_its_colours(
    sandbox: Bubblewrap, descent: Template, tmp_path: Path
) -> None:
    noise = "'x\\n' * 50, '\\x1b[31mred\\x1b[0m \\x1b]0;title\\x07\\x9b'"
    program = f"print({noise}, file=sys.stderr)\nraise ValueError('the reason')"
    ran = tried(sandbox, descent, program, tmp_path)
    assert ran.ending == TrialEnding.crashed
    assert ran.message.startswith("The experiment ended as crashed with exit code 1 after ")
    assert ran.message.endswith("ValueError: the reason")
    assert "red" in ran.message
    assert "\x1b" not in ran.message
    assert "\x9b" not in ran.message
    assert "title" not in ran.message
    assert ran.message.count("\n") <= 40
    assert ran.measurements == {}
    assert not (tmp_path / "trial" / "score").exists(), "nothing is scored"


@pytest.mark.parametrize(
    ("program", "ending"),
    [
        ("while True: pass", TrialEnding.timed_out),
        ("import time; time.sleep(60)", TrialEnding.timed_out),
        ("while True: print('again')", TrialEnding.too_much_output),
        ("held = [bytearray(2**24) for _ in range(99)]", TrialEnding.out_of_memory),
    ],
)
def test_an_experiment_beyond_its_limits_ends_by_what_it_did(
    sandbox: Bubblewrap, descent: Template, tmp_path: Path, program: str, ending: TrialEnding
) -> None:
    ran = tried(sandbox, descent, program, tmp_path)
    assert (ran.ending, ran.measurements) == (ending, {})
    assert ran.wall_seconds < 30


def test_a_planted_link_is_no_result_and_is_not_followed(
    sandbox: Bubblewrap, descent: Template, tmp_path: Path
) -> None:
    ran = tried(sandbox, descent, "(out / 'sizes.json').symlink_to('/etc/passwd')", tmp_path)
    assert (ran.ending, ran.measurements) == (TrialEnding.not_scored, {})
    assert "sizes.json" in ran.message
    assert not (tmp_path / "trial" / "out" / "sizes.json").exists()


def test_a_link_beside_honest_results_spoils_them(sandbox: Bubblewrap, descent: Template, tmp_path: Path) -> None:
    honest = "(out / 'sizes.json').write_text(str([0.1] * 50))"
    ran = tried(sandbox, descent, honest, tmp_path / "without")
    assert ran.ending == TrialEnding.finished, ran.message
    ran = tried(sandbox, descent, f"{honest}\n(out / 'latest').symlink_to('sizes.json')", tmp_path / "with")
    assert (ran.ending, ran.measurements) == (TrialEnding.not_scored, {})
    assert "latest" in ran.message


def test_measurements_that_the_experiment_writes_itself_count_for_nothing(
    sandbox: Bubblewrap, descent: Template, tmp_path: Path
) -> None:
    forged = """(out / 'measurements.jsonl').write_text('{"name": "log_loss", "value": -99}')"""
    ran = tried(sandbox, descent, forged, tmp_path)
    assert (ran.ending, ran.measurements) == (TrialEnding.not_scored, {})
    assert "The experiment left no sizes.json." in ran.message


def test_results_that_no_honest_run_makes_are_tampering(sandbox: Bubblewrap, descent: Template, tmp_path: Path) -> None:
    ran = tried(sandbox, descent, "(out / 'sizes.json').write_text(str([0.1] * 500))", tmp_path)
    assert (ran.ending, ran.measurements) == (TrialEnding.tampered, {})
    assert "does not hold 50 step sizes" in ran.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no 'log_loss'"),
        ('{"name": "log_loss", "value": NaN}', "line 1"),
        ('{"name": "log_loss", "value": Infinity}', "line 1"),
        ('{"name": "log_loss", "value": 1e999}', "line 1"),
        ('{"name": "log_loss", "value": "0.5"}', "valid number"),
        ('{"name": "log_loss", "value": true}', "valid number"),
        ('{"name": "log_loss", "value": null}', "valid number"),
        ('{"name": "log_loss", "value": ' + "9" * 5000 + "}", "line 1"),
        ('{"name": "log_loss", "value": 1, "rank": 1}', "rank"),
        ('{"name": "logloss", "value": 1}', "has no 'log_loss', the template's metric; it has logloss."),
        ('{"name": "log_loss", "value": 1}\n{"name": "log_loss", "value": 2}', "line 2: 'log_loss' is measured twice"),
        ('{"name": "log_loss", "value": 1}\nlog_loss = 2', "line 2"),
        ('{"name": "log_loss", "value": 1}\n{"name": "mean_log_loss", "value": NaN}', "line 2"),
        ('{"name": "\x1b[31m", "value": 1}', "line 1"),
        ("[" * 100_000, "line 1"),
        ("x" * 1_000_001, "more than 1,000,000 bytes"),
        ("\n".join(f'{{"name": "m{n}", "value": 1}}' for n in range(1001)), "1,000 lines"),
        ("\xff", "line 1"),
    ],
)
def test_a_score_that_is_no_number_is_not_one(descent: Template, tmp_path: Path, text: str, reason: str) -> None:
    def act(job: Job) -> None:
        (job.outputs / "measurements.jsonl").write_bytes(text.encode("latin-1"))

    ran = baseline(Scripted(act), descent, tmp_path)
    assert (ran.ending, ran.measurements) == (TrialEnding.not_scored, {})
    assert reason in ran.message
    assert len(ran.message) < 1000
    assert not (tmp_path / "s1" / "measurements.jsonl").exists()


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("pass", "The scorer left no measurements.jsonl"),
        ("""(out / 'measurements.jsonl').write_text('{"name": "log_loss", "value": NaN}')""", "finite number"),
        ("raise ValueError('broken scorer')", "ValueError: broken scorer"),
        ("while True: pass", "The scorer ended as timed out"),
        ("(out / 'measurements.jsonl').symlink_to('/etc/passwd')", "The scorer left no measurements.jsonl"),
    ],
)
def test_a_scorer_that_fails_gives_no_number(
    sandbox: Bubblewrap, folder: Path, tmp_path: Path, program: str, reason: str
) -> None:
    ran = baseline(sandbox, hurried(scored_by(folder, program)), tmp_path)
    assert (ran.ending, ran.measurements) == (TrialEnding.not_scored, {})
    assert reason in ran.message


def test_the_scorer_cannot_change_the_results_it_scores(sandbox: Bubblewrap, folder: Path, tmp_path: Path) -> None:
    descent = scored_by(folder, "Path(sys.argv[4], 'sizes.json').write_text('[]')")
    ran = baseline(sandbox, descent, tmp_path)
    assert ran.ending == TrialEnding.not_scored
    assert "Read-only file system" in ran.message
    assert len(json.loads((tmp_path / "s1" / "out" / "sizes.json").read_text())) == 50


def test_folders_may_be_named_from_where_one_stands(sandbox: Bubblewrap, descent: Template, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        assert baseline(sandbox, descent, Path("campaign")).ending == TrialEnding.finished
    assert (tmp_path / "campaign" / "s1" / "trial.json").is_file()


def test_a_scale_that_the_template_lacks_is_named_with_those_it_has(descent: Template, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no scale 'paper': use one of smoke, cpu"):
        trial.run(Scripted(lambda _: None), descent, tmp_path, "baseline", 1, "paper", tmp_path / "s1")
