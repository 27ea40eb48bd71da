from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

from sandboxes.bubblewrap import Bubblewrap
from sandboxes.job import Job, Level
from sandboxes.scripted import Scripted
from templates import plotting, template
from templates.plotting import DrawnFigure, PlottingError
from templates.template import Template
from templates.trial import BASELINE, Trial, TrialEnding


def measured(variant: str, seed: int, value: float, ending: TrialEnding = TrialEnding.finished) -> Trial:
    return Trial(
        template="step_sizes",
        template_digest="0",
        variant=variant,
        code_digest="0",
        scale="cpu",
        seed=seed,
        ending=ending,
        measurements={"log_loss": value, "mean_log_loss": value} if ending == TrialEnding.finished else {},
        wall_seconds=1.0,
        level=Level.namespace,
        backend="written down",
    )


TRIALS = [
    *(("full", measured(BASELINE, seed, -1.0 - seed / 10)) for seed in (1, 2, 3)),
    *(("full", measured("faster", seed, -2.0 - seed / 10)) for seed in (1, 2)),
    ("full", measured("faster", 3, 0.0, TrialEnding.crashed)),
]


def drawn(sandbox: Bubblewrap | Scripted, descent: Template, folder: Path) -> tuple[DrawnFigure, ...]:
    return plotting.draw(sandbox, descent, "faster", TRIALS, folder)


def test_a_figure_is_a_pdf_a_caption_and_the_data_behind_it(
    sandbox: Bubblewrap, descent: Template, tmp_path: Path
) -> None:
    (figure,) = drawn(sandbox, descent, tmp_path / "figures")
    assert figure.pdf == tmp_path / "figures" / "seeds.pdf"
    assert figure.pdf.read_bytes().startswith(b"%PDF-")
    assert b"/Type3" not in figure.pdf.read_bytes(), "fonts are embedded whole"
    assert figure.pdf_sha256 == hashlib.sha256(figure.pdf.read_bytes()).hexdigest()
    assert figure.csv_sha256 == hashlib.sha256(figure.csv.read_bytes()).hexdigest()
    assert figure.caption.startswith("The final log loss of every trial")
    rows = list(csv.DictReader(figure.csv.read_text().splitlines()))
    assert [(row["variant"], int(row["seed"]), float(row["log_loss"])) for row in rows] == [
        (trial.variant, trial.seed, trial.measurements["log_loss"]) for _, trial in TRIALS[:-1]
    ]


def test_the_same_measurements_give_the_same_bytes(sandbox: Bubblewrap, descent: Template, tmp_path: Path) -> None:
    first, second = (drawn(sandbox, descent, tmp_path / name) for name in ("one", "two"))
    assert first[0].pdf_sha256 == second[0].pdf_sha256


def test_a_plot_that_stamps_the_time_is_given_a_fixed_one(sandbox: Bubblewrap, folder: Path, tmp_path: Path) -> None:
    text = (folder / "plot.py").read_text()
    (folder / "plot.py").write_text(text.replace(', metadata={"CreationDate": None}', ""))
    (figure,) = drawn(sandbox, template.load(folder), tmp_path / "figures")
    assert b"(D:19700101" in figure.pdf.read_bytes()


def test_the_plot_is_told_the_metric_the_reference_and_the_finished_trials(descent: Template, tmp_path: Path) -> None:
    def act(job: Job) -> None:
        (job.outputs / "figures.json").write_text('[{"name": "seeds", "caption": "All seeds."}]')
        (job.outputs / "seeds.pdf").write_bytes(b"%PDF-1.7")
        (job.outputs / "seeds.csv").write_text("seed\n1\n")

    sandbox = Scripted(act)
    drawn(sandbox, descent, tmp_path / "figures")
    task = json.loads(sandbox.jobs[0].mounts[1].source.read_text())
    assert task["metric"]["name"] == "log_loss"
    assert (task["template"], task["variant"], task["reference"]) == ("step_sizes", "faster", "baseline")
    assert task["trials"][0] == {
        "stage": "full",
        "variant": "baseline",
        "seed": 1,
        "scale": "cpu",
        "measurements": {"log_loss": -1.1, "mean_log_loss": -1.1},
    }
    assert len(task["trials"]) == 5
    assert sandbox.jobs[0].environment["MPLCONFIGDIR"].startswith("/job/")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "left no figures.json"),
        ({"figures.json": "[]"}, "one at least"),
        ({"figures.json": '{"name": 1}'}, "no list of names and captions"),
        ({"figures.json": '[{"name": "../x", "caption": "c"}]'}, "no list of names and captions: 0.name"),
        ({"figures.json": '[{"name": "a", "caption": ""}]'}, "0.caption"),
        ({"figures.json": '[{"name": "a", "caption": "c"}, {"name": "a", "caption": "c"}]'}, "each figure once"),
        ({"figures.json": '[{"name": "a", "caption": "c"}]'}, "left no a.pdf"),
        ({"figures.json": '[{"name": "a", "caption": "c"}]', "a.pdf": "%PDF-1.7"}, "left no a.csv"),
        ({"figures.json": '[{"name": "a", "caption": "c"}]', "a.pdf": "%PDF-1.7", "a.csv": ""}, "a.csv has 0 bytes"),
        ({"figures.json": '[{"name": "a", "caption": "c"}]', "a.pdf": "GIF89a", "a.csv": "x"}, "a.pdf is not a PDF"),
    ],
)
def test_a_figure_that_is_not_whole_is_refused(
    descent: Template, tmp_path: Path, files: dict[str, str], reason: str
) -> None:
    def act(job: Job) -> None:
        for name, text in files.items():
            (job.outputs / name).write_text(text)

    with pytest.raises(PlottingError) as caught:
        drawn(Scripted(act), descent, tmp_path / "figures")
    assert reason in str(caught.value)
    assert not list((tmp_path / "figures").glob("*.pdf"))


def test_a_plot_that_crashes_says_why(sandbox: Bubblewrap, folder: Path, tmp_path: Path) -> None:
    (folder / "plot.py").write_text("raise ValueError('no such column')")
    with pytest.raises(PlottingError, match=r"crashed with exit code 1[\s\S]*ValueError: no such column"):
        drawn(sandbox, template.load(folder), tmp_path / "figures")


def test_a_plot_that_plants_a_link_is_refused(sandbox: Bubblewrap, folder: Path, tmp_path: Path) -> None:
    (folder / "plot.py").write_text("import os, sys; os.symlink('/etc/passwd', sys.argv[4] + '/a.csv')")
    with pytest.raises(PlottingError, match=r"no plain files[\s\S]*a\.csv"):
        drawn(sandbox, template.load(folder), tmp_path / "figures")


def test_without_a_finished_trial_there_is_nothing_to_draw(descent: Template, tmp_path: Path) -> None:
    with pytest.raises(PlottingError, match="None of the 1 trials of faster finished"):
        plotting.draw(Scripted(lambda _: None), descent, "faster", TRIALS[-1:], tmp_path / "figures")
