"""What becomes of a study whose code, scorer or plot fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from templates import scaffold

RATCHET = Path(sys.executable).parent / "ratchet"
IDEA = """
[[ideas]]
key = "the-idea"
title = "The idea"
hypothesis = "It helps."
rationale = "It may [@robbins1951]."
changes = [{changes}]
"""
BOLDER = '{ knob = "initial", after = 0.9 }'
LINE = '{ knob = "step_size", after = "initial * (1 - time / horizon)" }'


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return scaffold.new("toy", tmp_path)


def suggest(toy: Path, *changes: str) -> None:
    """Make these changes, in this order, the template's only seed idea."""
    (toy / "ideas.toml").write_text(IDEA.replace("{changes}", ", ".join(changes)))


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def run(toy: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [RATCHET, "run", toy, "--name", "story", "--scale", "smoke"],
        cwd=toy.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def study(toy: Path) -> Path:
    return toy.parent / "campaigns" / "story" / "studies" / "001-the-idea"


def outcome(toy: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads((study(toy) / "outcome.json").read_text())
    return told


FAILURES = {
    "crashes": ("raise RuntimeError('too bold for this')", "crashed", "too bold for this"),
    "hangs": ("import time; time.sleep(600)", "timed_out", ""),
    "prints without end": ("while True: print('x' * 10**6)", "too_much_output", ""),
    "takes all memory": ("hoard = [bytearray(10**7) for _ in range(10**5)]", "out_of_memory", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("failure", FAILURES)
def test_an_idea_whose_code_fails_is_given_up_and_recorded(toy: Path, failure: str) -> None:
    statement, ending, message = FAILURES[failure]
    edit(
        toy / "experiment.py",
        "    problem = Problem(",
        f"    if config.initial > 0.5:\n        {statement}\n    problem = Problem(",
    )
    edit(toy / "template.toml", "wall_seconds = 20,", "wall_seconds = 3,")
    suggest(toy, BOLDER)
    done = run(toy)
    assert done.returncode == 6, done.stderr
    assert outcome(toy)["conclusion"] == "failed"
    trial = json.loads((study(toy) / "trials" / "the-idea" / "smoke-s0" / "trial.json").read_text())
    assert (trial["ending"], trial["measurements"]) == (ending, {})
    assert message in trial["message"]
    assert "failed" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_idea_of_two_changes_retreats_from_the_one_that_breaks_it(toy: Path) -> None:
    crash = "    if config.initial > 0.5:\n        raise RuntimeError\n    problem = Problem("
    edit(toy / "experiment.py", "    problem = Problem(", crash)
    suggest(toy, LINE, BOLDER)
    done = run(toy)
    assert done.returncode == 0, done.stderr + done.stdout
    assert outcome(toy)["conclusion"] != "failed"
    assert "initial: float = 0.9" not in (study(toy) / "change.diff").read_text()
    assert "time / horizon" in (study(toy) / "change.diff").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", ['print("nothing")', 'Path(a.out, "measurements.jsonl").write_text(\'{"name": "log_loss", "value": NaN}\')']
)
def test_a_scorer_that_gives_no_finite_number_gives_no_result(toy: Path, line: str) -> None:
    (toy / "harness.py").write_text(
        "import argparse\nfrom pathlib import Path\nparser = argparse.ArgumentParser()\n"
        "for name in ('--settings', '--artefacts', '--out'):\n    parser.add_argument(name)\n"
        f"a = parser.parse_args()\n{line}\n"
    )
    done = run(toy)
    assert done.returncode == 6, done.stdout + done.stderr
    assert "not_scored" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_study_whose_plot_fails_is_written_up_without_figures(toy: Path) -> None:
    (toy / "plot.py").write_text("raise SystemExit('no ink')\n")
    done = run(toy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no figures" in done.stdout
    assert "no ink" in done.stdout
