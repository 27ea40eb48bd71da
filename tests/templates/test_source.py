from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from templates import source, template
from templates.idea import Change
from templates.source import SourceError
from templates.template import Template

BOLDER = Change(knob="initial", before=0.3, after=0.9)
FASTER = Change(knob="step_size", before="initial / sqrt(1 + time)", after="initial / (1 + time)")


def test_the_settings_are_what_the_unchanged_source_says(descent: Template) -> None:
    assert source.settings(descent) == {"initial": 0.3, "step_size": "initial / sqrt(1 + time)"}


def test_turning_knobs_changes_their_values_and_not_one_other_byte(descent: Template) -> None:
    before = (descent.folder / "experiment.py").read_text()
    after = source.apply(descent, [BOLDER, FASTER])["experiment.py"]
    assert after == before.replace("= 0.3\n", "= 0.9\n").replace(
        "return initial / sqrt(1 + time)", "return initial / (1 + time)"
    )
    assert after.count("\n") == before.count("\n")
    assert after != before


def test_no_change_is_the_source_itself(descent: Template) -> None:
    assert source.apply(descent, []) == {"experiment.py": (descent.folder / "experiment.py").read_text()}


def test_a_return_over_several_lines_with_comments_and_wide_letters_is_replaced_whole(folder: Path) -> None:
    path = folder / "experiment.py"
    path.write_text(
        path.read_text()
        .replace(
            "return initial / sqrt(1 + time)",
            "return (  # größer: ∇\n        initial\n        / sqrt(1 + time)\n    )  # é",
        )
        .replace("initial: float = 0.3", 'ü: str = "∇∇"; initial: float = 0.3')
    )
    descent = template.load(folder)
    assert source.settings(descent)["step_size"] == "initial / sqrt(1 + time)"
    after = source.apply(descent, [FASTER, BOLDER])["experiment.py"]
    assert "return (  # größer: ∇\n        initial / (1 + time)\n    )  # é" in after
    assert 'ü: str = "∇∇"; initial: float = 0.9' in after
    compile(after, "experiment.py", "exec")


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_line_endings_survive(folder: Path, ending: str) -> None:
    path = folder / "experiment.py"
    path.write_bytes(path.read_text().replace("\n", ending).encode())
    assert (b"\r" in path.read_bytes()) == (ending == "\r\n")
    descent = template.load(folder)
    source.write(descent, source.apply(descent, [BOLDER]), folder.parent / "code")
    assert (folder.parent / "code" / "experiment.py").read_bytes() == path.read_bytes().replace(b"= 0.3", b"= 0.9")


@given(st.floats(0.001, 1.0))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_turned_reads_back_the_same(descent: Template, value: float) -> None:
    files = source.apply(descent, [BOLDER.model_copy(update={"after": value})])
    assert f"initial: float = {value!r}\n" in files["experiment.py"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (BOLDER.model_copy(update={"before": 0.2}), "is 0.3 in experiment.py, not 0.2"),
        (BOLDER.model_copy(update={"after": 7.0}), "7.0 is outside 0.001 … 1"),
        (FASTER.model_copy(update={"after": "__import__('os')"}), "none of its functions"),
        (FASTER.model_copy(update={"before": "initial / time"}), "not 'initial / time'"),
        (FASTER.model_copy(update={"knob": "stepsize"}), "no knob 'stepsize': turn one of initial, step_size"),
    ],
)
def test_a_change_that_the_source_cannot_take_is_refused(descent: Template, change: Change, reason: str) -> None:
    with pytest.raises(SourceError, match=reason.replace("(", r"\(")):
        source.apply(descent, [change])


def test_a_before_that_is_spelled_otherwise_is_the_same(descent: Template) -> None:
    source.apply(descent, [FASTER.model_copy(update={"before": "initial/sqrt(time + 1)"})])


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_diff_is_one_that_patch_applies(descent: Template, tmp_path: Path) -> None:
    files = source.apply(descent, [BOLDER, FASTER])
    text = source.diff(descent, files)
    assert text.startswith("--- a/experiment.py\n+++ b/experiment.py\n")
    copy = tmp_path / "copy"
    source.write(descent, {}, copy)
    subprocess.run(["git", "apply", "-"], input=text, text=True, cwd=copy, check=True)
    assert (copy / "experiment.py").read_text() == files["experiment.py"]


def test_the_diff_of_a_file_without_a_last_newline_says_so(descent: Template) -> None:
    text = source.diff(descent, {"experiment.py": "pass"})
    assert text.endswith("+pass\n\\ No newline at end of file\n")


def test_nothing_changed_is_no_diff(descent: Template) -> None:
    assert source.diff(descent, {}) == ""


def test_a_variant_gets_the_frozen_modules_and_neither_scorer_nor_plot(descent: Template, tmp_path: Path) -> None:
    source.write(descent, {}, tmp_path / "code")
    assert sorted(path.name for path in (tmp_path / "code").iterdir()) == ["experiment.py", "problem.py"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_writing_the_same_variant_twice_leaves_it_and_another_one_sets_it_aside(
    descent: Template, tmp_path: Path
) -> None:
    code = tmp_path / "code"
    source.write(descent, {}, code)
    first = source.digest(code)
    source.write(descent, {}, code)
    assert not (tmp_path / "code.replaced-1").exists()
    source.write(descent, source.apply(descent, [BOLDER]), code)
    assert source.digest(tmp_path / "code.replaced-1") == first != source.digest(code)


def test_the_digest_follows_contents_and_names_and_ignores_caches(descent: Template, tmp_path: Path) -> None:
    code = tmp_path / "code"
    source.write(descent, {}, code)
    before = source.digest(code)
    (code / "__pycache__").mkdir()
    (code / "__pycache__" / "problem.pyc").write_text("cache")
    assert source.digest(code) == before
    (code / "problem.py").rename(code / "puzzle.py")
    assert source.digest(code) != before


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"harness.py": "print(1)"}, "harness.py: may not be changed; editable is experiment.py."),
        ({"../escape.py": ""}, "../escape.py: may not be changed; editable is experiment.py."),
        ({"experiment.py": "def f(:\n"}, "experiment.py: line 1: does not parse: invalid syntax."),
        ({"experiment.py": "a\0b"}, "experiment.py: does not parse: source code string cannot contain null bytes."),
        (
            {"experiment.py": "#" * 1_000_001},
            "experiment.py: has 1,000,001 bytes, more than 1,000,000; make it smaller.",
        ),
    ],
)
def test_files_that_are_no_variant_are_named_and_never_written(
    descent: Template, tmp_path: Path, files: dict[str, str], fault: str
) -> None:
    assert source.faults(descent, files) == (fault,)
    with pytest.raises(SourceError):
        source.write(descent, files, tmp_path / "code")
    assert not (tmp_path / "code").exists()
