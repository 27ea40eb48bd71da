"""What the scorer of the coupling template measures, and what it refuses."""
# ruff: noqa: ANN401 - what a script loaded by its path defines has no static type

from __future__ import annotations

import dataclasses
import importlib.util
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "templates" / "minimum_entropy_coupling"
SMOKE: dict[str, Any] = tomllib.loads((FOLDER / "template.toml").read_text())["scales"]["smoke"]["settings"]


def load(name: str) -> ModuleType:
    """Load a script of the template under its own name, as its neighbours import it."""
    if name not in sys.modules or Path(str(sys.modules[name].__file__)).parent != FOLDER:
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


channel, transcript, experiment, harness = (load(name) for name in ("channel", "transcript", "experiment", "harness"))


def honest(seed: int = 1, **changes: Any) -> tuple[Any, Any, Any]:
    config = dataclasses.replace(experiment.Config(**SMOKE), **changes)
    task = channel.task(seed, dataclasses.asdict(config))
    return config, task, experiment.run(config, task)


def job(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"seed": 1, "scale": "smoke", "settings": SMOKE}))
    command = [sys.executable, str(FOLDER / script), "--settings", str(settings), "--out", str(folder / script)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def measure(folder: Path) -> subprocess.CompletedProcess[str]:
    return job("harness.py", folder, "--artefacts", str(folder / "experiment.py"))


def measurements(folder: Path) -> dict[str, float]:
    lines = (folder / "harness.py" / "measurements.jsonl").read_text().splitlines()
    return {entry["name"]: entry["value"] for entry in map(json.loads, lines)}


def test_an_honest_run_is_scored_and_the_same_seed_twice_gives_the_same_numbers(tmp_path: Path) -> None:
    found = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        ran, scored = job("experiment.py", folder), measure(folder)
        assert (ran.returncode, scored.returncode) == (0, 0), ran.stderr + scored.stderr
        found.append(measurements(folder))
    declared = tomllib.loads((FOLDER / "template.toml").read_text())
    assert set(found[0]) == {declared["metric"]["name"], *(entry["name"] for entry in declared["secondary"])}
    assert found[0] == found[1]
    assert 0 < found[0]["residual_entropy"] < found[0]["message_entropy"] == 4.0


def test_another_seed_is_another_cover_and_other_draws() -> None:
    scores = [harness.score(task, record) for _, task, record in (honest(1), honest(2))]
    assert scores[0]["cover_entropy"] != scores[1]["cover_entropy"]
    assert scores[0]["residual_entropy"] != scores[1]["residual_entropy"]


@pytest.mark.parametrize("changes", [{"merge": True}, {"algorithm": "arimec", "merge": True}, {"pool": 2}], ids=str)
def test_what_was_saved_is_scored_as_what_was_run(tmp_path: Path, changes: dict[str, Any]) -> None:
    _, task, record = honest(**changes)
    record.save(tmp_path)
    assert harness.score(task, transcript.Transcript.load(tmp_path)) == harness.score(task, record)


def test_what_is_open_after_each_quarter_falls_to_the_residual() -> None:
    _, task, record = honest(components=8, cover_length=8, messages=60)
    scored = harness.score(task, record)
    course = [scored["message_entropy"], *(scored[f"open_after_{q}_4"] for q in (1, 2, 3)), scored["residual_entropy"]]
    assert course == sorted(course, reverse=True)
    assert scored["joint_entropy"] == pytest.approx(scored["cover_entropy"] + scored["residual_entropy"])


# Forgeries: each takes an honest record apart and changes one thing.


def changed(record: Any, step: Callable[[Any], Any]) -> Any:
    """Replace the first step of message 3."""
    record.steps[3][0] = step(record.steps[3][0])
    return record


def purer(step: Any) -> Any:
    """Move mass within a block to its first symbol, so that the symbol seems to say more."""
    (row, column, mass), *others = step.atoms
    return dataclasses.replace(step, atoms=((row, column, mass + 1e-6), *others))


def other_symbol(record: Any) -> Any:
    record.texts[3] = ((record.texts[3][0] + 1) % SMOKE["cover_symbols"], *record.texts[3][1:])
    return record


def missing_message(record: Any) -> Any:
    for part in (record.steps, record.texts, record.decoded):
        part.pop()
    return record


def missing_step(record: Any) -> Any:
    record.steps[3].pop()
    return record


def additional_step(record: Any) -> Any:
    record.steps[3].append(record.steps[3][-1])
    return record


def with_mass(value: float) -> Callable[[Any], Any]:
    def forge(record: Any) -> Any:
        return changed(
            record, lambda step: dataclasses.replace(step, atoms=((*step.atoms[0][:2], value), *step.atoms[1:]))
        )

    return forge


def invented_posterior(record: Any) -> Any:
    """Couple in the second step as if the first had settled everything."""
    step = record.steps[3][1]
    rows = np.bincount([r for r, _, _ in step.atoms], [m for _, _, m in step.atoms])
    record.steps[3][1] = dataclasses.replace(step, atoms=tuple((r, 0, float(m)) for r, m in enumerate(rows)))
    return record


def another_partition(record: Any) -> Any:
    """Claim that a coupling made for an open component was made for the one that the first step told of."""
    first = record.steps[3][0]
    record.steps[3][1] = dataclasses.replace(record.steps[3][1], partition=first.partition)
    return record


def unknown_component(record: Any) -> Any:
    return changed(record, lambda step: dataclasses.replace(step, partition=(SMOKE["components"],)))


def endless_group(record: Any) -> Any:
    return changed(record, lambda step: dataclasses.replace(step, groups=(0,) * len(step.groups)))


def impossible_guess(record: Any) -> Any:
    record.decoded[3] = (9, *record.decoded[3][1:])
    return record


def other_kind(record: Any) -> Any:
    record.kind = "tree"
    return record


def too_pure(record: Any) -> Any:
    return changed(record, purer)


FORGERIES = {
    too_pure: "cover marginal is off by 1e-06",
    other_symbol: "drawn from the commitments",
    missing_message: "for 20 messages",
    missing_step: "lacks a coupling",
    additional_step: "drawn from the commitments",
    with_mass(float("nan")): "nan.* outside a coupling",
    with_mass(float("inf")): "inf.* outside a coupling",
    with_mass(-0.1): "-0.1.* outside a coupling",
    invented_posterior: "block marginal is off",
    another_partition: "block marginal is off",
    unknown_component: "does not name different components",
    endless_group: "do not part",
    impossible_guess: "is not a message",
    other_kind: "block marginal is off|outside a coupling|not a proper prefix",
}


@pytest.mark.parametrize(("forge", "reason"), FORGERIES.items())
def test_a_forged_record_is_refused(forge: Callable[[Any], Any], reason: str) -> None:
    _, task, record = honest()
    harness.score(task, record)
    with pytest.raises(harness.TamperedError, match=reason):
        harness.score(task, forge(record))


@pytest.mark.parametrize("spoil", ["forged", "truncated", "garbage", "pickled", "absent"])
def test_artefacts_of_no_honest_run_end_the_score_with_exit_code_three(tmp_path: Path, spoil: str) -> None:
    out = tmp_path / "experiment.py"
    out.mkdir()
    _, _, record = honest()
    (changed(record, purer) if spoil == "forged" else record).save(out)
    path = out / transcript.FILE
    match spoil:
        case "truncated":
            path.write_bytes(path.read_bytes()[:-100])
        case "garbage":
            path.write_text("All messages were conveyed.")
        case "pickled":
            np.savez(path, kind=np.array([{"residual_entropy": 0.0}], dtype=object))
        case "absent":
            path.unlink()
    scored = measure(tmp_path)
    assert scored.returncode == 3
    assert "not made by an honest run" in scored.stderr
    assert not (tmp_path / "harness.py" / "measurements.jsonl").exists()


def test_every_change_of_a_commitment_changes_what_it_draws() -> None:
    _, _, record = honest(merge=True)
    step, opening = record.steps[0][0], transcript.opening(1, 0)
    others = [
        dataclasses.replace(step, partition=(3,)),
        dataclasses.replace(step, groups=tuple(range(len(step.groups)))),
        dataclasses.replace(step, atoms=((*step.atoms[0][:2], step.atoms[0][2] + 1e-8), *step.atoms[1:])),
    ]
    draws = {transcript.commit(opening, each)[1] for each in [step, *others]}
    assert len(draws) == 1 + len({repr(each) for each in others} - {repr(step)})
    assert transcript.commit(opening, step) != transcript.commit(transcript.opening(1, 1), step)


def test_a_method_that_tries_commitments_until_a_lucky_symbol_is_drawn_is_found_out() -> None:
    """Relabelling groups changes nothing but the draw: this method keeps the best of eight draws."""
    config, task, _ = honest(components=16, symbols=2, cover_symbols=8, cover_length=8, messages=60)
    record = transcript.Transcript(kind="factored")
    for message in range(task.messages):
        steps: list[Any] = []
        state = transcript.opening(task.seed, message)

        def draw(round_: Any, steps: list[Any] = steps) -> int:
            nonlocal state

            def left(row: int) -> float:
                return float(harness.entropy(round_.matrix[row] / round_.matrix[row].sum()))

            tries = []
            for shift in range(8):
                step = dataclasses.replace(round_.step, groups=tuple(g + shift for g in round_.step.groups))
                after, uniform = transcript.commit(state, step)
                row = channel.inverse_cdf(round_.cover, uniform)
                tries.append((left(row), row, step, after))
            _, row, step, state = min(tries, key=lambda each: each[0])
            steps.append(step)
            return row

        text, posterior = experiment.imec(config, task, draw)
        record.steps.append(steps)
        record.texts.append(tuple(text))
        record.decoded.append(posterior.decode())
    with pytest.raises(harness.TamperedError, match="outcome in view"):
        harness.score(task, record)


# What the template declares


def test_ideas_turn_declared_knobs_and_cite_known_references() -> None:
    ideas = tomllib.loads((FOLDER / "ideas.toml").read_text())["ideas"]
    knobs = {knob["name"] for knob in tomllib.loads((FOLDER / "template.toml").read_text())["knobs"]}
    bibliography = (FOLDER / "references.bib").read_text()
    assert len({idea["key"] for idea in ideas}) == len(ideas) >= 6
    for idea in ideas:
        assert {change["knob"] for change in idea["changes"]} <= knobs
        for citation in [part.split("]")[0] for part in idea["rationale"].split("[@")[1:]]:
            assert f"{{{citation}," in bibliography


def test_the_plot_draws_figures_whose_data_lie_beside_them(tmp_path: Path) -> None:
    trials = [
        {
            "variant": variant,
            "stage": "confirm",
            "seed": seed,
            "scale": "cpu",
            "measurements": harness.score(*honest(seed, merge=variant == "merging")[1:]),
        }
        for variant in ("baseline", "merging")
        for seed in range(4)
    ]
    metric = tomllib.loads((FOLDER / "template.toml").read_text())["metric"]
    data = {"metric": metric, "template": "t", "variant": "merging", "reference": "baseline", "trials": trials}
    (tmp_path / "trials.json").write_text(json.dumps(data))
    command = [sys.executable, str(FOLDER / "plot.py"), "--data", str(tmp_path / "trials.json"), "--out", str(tmp_path)]
    subprocess.run(command, check=True)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert len(figures) == 2
    for figure in figures:
        assert (tmp_path / f"{figure['name']}.pdf").read_bytes().startswith(b"%PDF")
        assert len((tmp_path / f"{figure['name']}.csv").read_text().splitlines()) > 4
    rows = (tmp_path / "paired.csv").read_text().splitlines()[1:]
    assert sum(row.startswith("seed,") for row in rows) == 8
