from __future__ import annotations

from pathlib import Path

import pytest

from templates import template
from templates.template import Template, TemplateError


def edited(folder: Path, file: str, *changes: tuple[str, str]) -> None:
    text = (folder / file).read_text()
    for before, after in changes:
        assert before in text, f"{before!r} is not in {file}"
        text = text.replace(before, after, 1)
    (folder / file).write_text(text)


def faults(folder: Path) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        template.load(folder)
    return str(caught.value).splitlines()[1:]


def test_a_template_says_what_can_be_studied(descent: Template) -> None:
    assert descent.name == "step_sizes"
    assert descent.editable == ("experiment.py",)
    assert descent.metric.better == "lower"
    assert [knob.name for knob in descent.knobs] == ["initial", "step_size"]
    assert descent.scales["smoke"].settings == {"dimension": 4, "steps": 50, "noise": 0.5}


def test_background_bibliography_and_seed_ideas_are_read(descent: Template) -> None:
    assert "## The method" in template.background(descent)
    assert "@article{robbins1951," in template.bibliography(descent)
    ideas = template.seed_ideas(descent)
    assert [idea.key for idea in ideas] == ["one-over-time", "line-to-zero", "bolder-start"]
    assert dict(ideas[2].changes) == {"initial": 0.9}


def test_a_broken_template_shows_all_its_faults_at_once(folder: Path) -> None:
    edited(
        folder,
        "template.toml",
        ('better = "lower"', 'beter = "lower"'),
        ("low = 0.001", "low = 0.5"),
        ("dimension = 4, steps", "dimensions = 4, steps"),
        ("smallest_effect = 0.05", "smallest_effect = -1"),
    )
    edited(folder, "ideas.toml", ('knob = "initial", after = 0.9', 'knob = "initail", after = 0.9'))
    (folder / "plot.py").unlink()
    shown = "\n".join(faults(folder))
    assert "template.toml: metric.better: is missing: add it" in shown
    assert "template.toml: metric.beter: is not a known key: did you mean 'better'?" in shown
    assert "template.toml: metric.smallest_effect: is -1: it should be greater than 0" in shown
    assert "template.toml: plot: names 'plot.py', which is not a file of" in shown
    assert "template.toml: scales.smoke.settings.dimensions: is no field of Config: did you mean 'dimension'?" in shown
    assert "template.toml: knobs[0].name: is 'initial', whose value in experiment.py, 0.3 is outside 0.5 … 1" in shown
    assert "ideas.toml: ideas[2].changes[0].knob: is 'initail', which is no knob: did you mean 'initial'?" in shown
    assert len(shown.splitlines()) == 7


def test_broken_toml_is_named_with_its_line(folder: Path) -> None:
    edited(folder, "template.toml", ("[metric]", "[metric"))
    assert "at line 6" in faults(folder)[0]


def test_a_folder_without_a_template_says_so(tmp_path: Path) -> None:
    assert faults(tmp_path) == [f"template.toml: there is no such file in {tmp_path}: add it"]


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('kind = "float"', 'kind = "flaot"', "knobs[0].kind: is 'flaot': use 'float', 'int', 'choice'"),
        ('kind = "float"', "", "knobs[0].kind: is 'missing': use 'float', 'int', 'choice'"),
        ("low = 0.001", "low = 0.0", "knobs[0].low: is 0 on a log scale"),
        ("low = 0.001", "low = 2.0", "knobs[0].low: is 2, not below the high 1"),
        ("low = 0.001", "", "knobs[0].low: is missing"),
        ("max_nodes = 12", "max_nodes = 4", "has 6 nodes, more than 4"),
        ('functions = ["sqrt", "minimum"]', "functions = []", "none of its functions (none)"),
        (
            'time = "steps taken so far"',
            'tiem = "steps"',
            "knobs[1].inputs: are initial, tiem, horizon, but step_size takes",
        ),
        ('name = "initial"', 'name = "momentum"', "knobs[0].name: is 'momentum', for which experiment.py has 0 times"),
        ('name = "initial"', 'name = "step_size"', "knobs: name 'step_size' more than once"),
        ("dimension = 4, ", "dimension = 4, initial = 0.1, ", "scales.smoke.settings.initial: is a knob too"),
        ("[scales.smoke]", "[scales.gpu]", "scales.smoke: is missing"),
        ("[scales.smoke]", "[scales.smok]", "scales.smok: is 'smok'"),
        ("pilot = 2", "pilot = 1", "scales.smoke.seeds.pilot: is 1: it should be greater than or equal to 2"),
        ('name = "step_sizes"', 'name = "Step Sizes"', "name: is 'Step Sizes'"),
        (
            'name = "mean_log_loss"',
            'name = "log_loss"',
            "secondary: has 'log_loss' more than once, or as the metric too",
        ),
        (
            '["experiment.py"]',
            '["experiment.py", "harness.py"]',
            "editable: holds 'harness.py', which judges the method",
        ),
        ('["experiment.py"]', '["../experiment.py"]', "editable[0]: names '../experiment.py', which is not a file"),
        ('["experiment.py"]', '"experiment.py"', "editable: is 'experiment.py'"),
        ('question = "', 'digest = "0"\nquestion = "', "digest: is set by Ratchet"),
    ],
)
def test_each_fault_of_the_declaration_is_named(folder: Path, before: str, after: str, fault: str) -> None:
    edited(folder, "template.toml", (before, after))
    assert any(line.startswith(f"template.toml: {fault}") or fault in line for line in faults(folder)), faults(folder)


@pytest.mark.parametrize(
    ("file", "before", "after", "fault"),
    [
        ("ideas.toml", "after = 0.9", "after = 9.0", "ideas.toml: ideas[2].changes[0].after: 9.0 is outside 0.001 … 1"),
        (
            "ideas.toml",
            "(1 + time)",
            "(1 + tiem)",
            "ideas.toml: ideas[0].changes[0].after: 'initial / (1 + tiem)' uses 'tiem'",
        ),
        ("ideas.toml", "@robbins1951", "@robins1951", "ideas.toml: ideas[0].rationale: cites 'robins1951'"),
        ("ideas.toml", 'key = "line-to-zero"', "", "ideas.toml: ideas[1].key: is missing"),
        (
            "ideas.toml",
            "{ knob",
            "{ knobb",
            "ideas.toml: ideas[0].changes[0].knobb: is not a known key: did you mean 'knob'?",
        ),
        ("experiment.py", "def step_size(", "def step_size((", "experiment.py: line 26: does not parse"),
        ("experiment.py", "= 0.3", "= 0.1 * 3", "knobs[0].name: is 'initial', for which experiment.py has 0 times"),
    ],
)
def test_each_fault_of_the_other_files_is_named(folder: Path, file: str, before: str, after: str, fault: str) -> None:
    edited(folder, file, (before, after))
    assert any(fault in line for line in faults(folder)), faults(folder)


@pytest.mark.parametrize("file", ["README.md", "references.bib", "ideas.toml", "harness.py", "experiment.py"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert any(file in line for line in faults(folder))


def test_a_bibliography_without_entries_is_a_fault(folder: Path) -> None:
    (folder / "references.bib").write_text("@comment{nothing, here}\n")
    assert "references.bib: has no entries: add the seed paper, as BibTeX" in faults(folder)


@pytest.mark.parametrize("file", ["README.md", "references.bib", "ideas.toml", "template.toml", "experiment.py"])
def test_a_file_in_another_encoding_is_named(folder: Path, file: str) -> None:
    (folder / file).write_bytes((folder / file).read_bytes() + "# größer\n".encode("latin-1"))
    assert any(line.startswith(f"{file}: is not UTF-8 at byte") for line in faults(folder))


def test_a_link_in_the_folder_is_a_fault(folder: Path) -> None:
    (folder / "data.txt").symlink_to("/etc/hostname")
    assert any(line.startswith("data.txt: is a link") for line in faults(folder))


def test_the_digest_follows_every_file_but_the_baseline_and_what_is_hidden(folder: Path) -> None:
    before = template.load(folder).digest
    for name in ("baseline.jsonl", ".DS_Store", "__pycache__/problem.pyc"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    assert template.load(folder).digest == before
    edited(folder, "harness.py", ("decades[-1]", "decades[0]"))
    assert template.load(folder).digest != before


def test_loading_runs_nothing_of_the_template(folder: Path) -> None:
    edited(folder, "experiment.py", ("import argparse\n", "import argparse\nraise SystemExit('ran')\n"))
    assert template.load(folder).name == "step_sizes"


ODD = (
    "1",
    "-1.5",
    "true",
    "''",
    "'x'",
    "[]",
    "[1]",
    "['x']",
    "{}",
    "{ x = 1 }",
    "[{}]",
    "[{ x = [] }]",
    "nan",
    "2026-01-01",
)


@pytest.mark.parametrize("file", ["template.toml", "ideas.toml"])
def test_any_value_of_any_key_is_read_or_refused_as_a_fault(folder: Path, file: str) -> None:
    whole = (folder / file).read_text()
    for line in [line for line in whole.splitlines() if " = " in line]:
        key = line.split(" = ")[0]
        for odd in ODD:
            (folder / file).write_text(whole.replace(line, f"{key} = {odd}", 1))
            assert key in (refusal(folder) or key)


def refusal(folder: Path) -> str | None:
    """Say what is wrong; None when nothing is and the ideas can be read."""
    try:
        template.seed_ideas(template.load(folder))
    except TemplateError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1",
        "knobs = 1",
        "[knobs]\nx = 1",
        "[[metric]]",
        "scales = []",
        "secondary = [[1]]",
        "score = []",
        "secondary = 1",
        "metric = []",
        "scales.smoke = 1",
        "editable = 1",
    ],
)
def test_a_declaration_of_something_else_is_refused(folder: Path, text: str) -> None:
    (folder / "template.toml").write_text(text)
    assert "template.toml: title: is missing: add it" in faults(folder)
