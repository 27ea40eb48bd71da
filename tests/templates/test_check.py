from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandboxes.bubblewrap import Bubblewrap
from sandboxes.process import Process
from templates import catalogue, check, template
from templates.check import BaselineError, Finding
from templates.template import BASELINE_FILE, Template


def edited(folder: Path, file: str, before: str, after: str) -> Template:
    text = (folder / file).read_text()
    assert before in text, f"{before!r} is not in {file}"
    (folder / file).write_text(text.replace(before, after, 1))
    return template.load(folder)


def broken(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    assert all(finding.remedy for finding in findings if not finding.ok), "what fails has a remedy"
    return {finding.name: finding for finding in findings if not finding.ok}


def test_a_new_template_keeps_the_contract_as_it_is(sandbox: Bubblewrap, descent: Template) -> None:
    findings = check.check(descent, sandbox)
    assert broken(findings) == {}
    assert findings[-1] == check.baseline_stands(descent)
    assert [finding.name for finding in findings] == [
        *("loads", "runs", "measurements", "repeats", "plots"),
        *("knob initial", "knob step_size", "judge", "baseline"),
    ]


@pytest.mark.parametrize("name", catalogue.names())
def test_every_bundled_template_keeps_the_contract(sandbox: Bubblewrap, name: str, tmp_path: Path) -> None:
    assert broken(check.check(catalogue.find(name, tmp_path), sandbox)) == {}


@pytest.mark.parametrize(
    ("file", "before", "after", "name", "what"),
    [
        ("experiment.py", "def main() -> None:\n", "def main() -> None:\n    1 / 0\n", "runs", "ZeroDivisionError"),
        ("harness.py", '{"log_loss": decades[-1], ', "{", "runs", "has no 'log_loss'"),
        ("harness.py", "decades[-1]", "float('nan')", "runs", "finite number"),
        ("harness.py", '"mean_log_loss"', '"mean_loss"', "measurements", "leaves out ['mean_log_loss'] and adds"),
        ("problem.py", "default_rng(seed)", "default_rng()", "repeats", "With one seed, log_loss is "),
        ("plot.py", "def main() -> None:\n", "def main() -> None:\n    1 / 0\n", "plots", "ZeroDivisionError"),
        (
            "experiment.py",
            "in range(config.steps)",
            "in range(round(150 * config.initial + 5))",
            "knob initial",
            "tampered",
        ),
        (
            "experiment.py",
            "    problem = Problem(",
            "    assert config.initial == 0.3\n    problem = Problem(",
            "knob initial",
            "AssertionError",
        ),
        (
            "harness.py",
            "    if not path.is_file():\n",
            "    if not path.is_file():\n        return np.full(steps, 0.1)\n",
            "judge",
            "A run that left no results was scored",
        ),
    ],
)
def test_each_broken_point_of_the_contract_is_found_and_no_other(  # noqa: PLR0913, PLR0917 (one row of the table)
    sandbox: Bubblewrap, folder: Path, file: str, before: str, after: str, name: str, what: str
) -> None:
    found = broken(check.check(edited(folder, file, before, after), sandbox))
    assert list(found) == [name]
    assert what in found[name].what


def test_a_time_may_differ_between_two_runs_when_it_says_that_it_is_one(sandbox: Bubblewrap, folder: Path) -> None:
    edited(folder, "harness.py", "sum(decades[1:]) / len(sizes)", "time.perf_counter()")
    timed = edited(folder, "harness.py", "import sys\n", "import sys\nimport time\n")
    assert list(broken(check.check(timed, sandbox))) == ["repeats"]
    timed = edited(folder, "template.toml", 'name = "mean_log_loss"', 'name = "mean_log_loss"\ntiming = true')
    assert broken(check.check(timed, sandbox)) == {}


def test_a_template_that_changed_since_it_was_loaded_is_not_run(sandbox: Bubblewrap, folder: Path) -> None:
    before = template.load(folder)
    edited(folder, "README.md", "# ", "# The ")
    (finding,) = check.check(before, sandbox)
    assert (finding.name, finding.ok) == ("loads", False)


def test_a_sandbox_that_does_not_hold_is_found_out_and_the_template_stays_whole(descent: Template) -> None:
    found = broken(check.check(descent, Process(allow_unsafe_host=True)))
    assert list(found) == ["judge"]
    assert f"{descent.folder}/harness.py" in found["judge"].what
    assert template.load(descent.folder).digest == descent.digest


def test_a_baseline_holds_every_seed_and_is_current_until_the_template_changes(
    sandbox: Bubblewrap, descent: Template
) -> None:
    def latest() -> Finding:
        return check.baseline_stands(template.load(descent.folder))

    with ThreadPoolExecutor(2) as executor:
        assert check.baseline(descent, sandbox, "smoke", executor) == descent.folder / BASELINE_FILE
    assert [(each.scale, each.seed) for each in check.recorded(descent)] == [("smoke", seed) for seed in (1, 2, 3)]
    assert (latest().ok, latest().what) == (True, "3 trials of this very template at scale smoke.")
    edited(descent.folder, "harness.py", "decades[-1]", "decades[-2]")
    assert not latest().ok
    assert "was measured on" in latest().what


def test_a_baseline_at_another_scale_is_added(sandbox: Bubblewrap, descent: Template) -> None:
    for scale in ("smoke", "cpu", "smoke"):
        check.baseline(descent, sandbox, scale)
    assert [each.scale for each in check.recorded(descent)] == ["cpu"] * 8 + ["smoke"] * 3


def test_a_baseline_with_a_failing_seed_is_not_written(sandbox: Bubblewrap, folder: Path) -> None:
    fails = edited(folder, "experiment.py", "def main() -> None:\n", "def main() -> None:\n    1 / 0\n")
    with pytest.raises(BaselineError, match=r"3 of 3 baseline trials did not finish:\nseed 1: crashed"):
        check.baseline(fails, sandbox, "smoke")
    assert not (folder / BASELINE_FILE).exists()


@pytest.mark.parametrize("write", [lambda path: path.write_text("{}\n"), lambda path: path.write_bytes(b"\xff\n")])
def test_a_baseline_that_holds_no_trials_is_found(descent: Template, write: Callable[[Path], int]) -> None:
    write(descent.folder / BASELINE_FILE)
    found = check.baseline_stands(descent)
    assert (found.ok, "holds no trials" in found.what) == (False, True)
