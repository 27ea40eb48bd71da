"""A check: proof that a template keeps its side of the contract, by running it."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from sandboxes.job import Sandbox
from sandboxes.record import Record, write_atomically
from templates import folder as folders
from templates import plotting, source, space, trial
from templates.idea import Change
from templates.space import ChoiceKnob, ExpressionKnob, Knob, Value
from templates.template import BASELINE_FILE, Template, TemplateError, load
from templates.trial import BASELINE, Trial, TrialEnding

_SCALE: Final = "smoke"
_MOST_VALUES: Final = 4
_EXPRESSIONS: Final = 3
_REFUSALS: Final = (TrialEnding.not_scored, TrialEnding.tampered)

_INTRUDER: Final = '''\
"""Try to change what a trial is judged by, without doing it; leave no results; say what gives way."""

import sys
from pathlib import Path


def gives_way(path: Path) -> bool:
    try:
        if path.is_dir():
            (path / "planted").touch(exist_ok=False)
            (path / "planted").unlink()
        else:
            path.open("r+b").close()
    except OSError:
        return False
    return True


roots = [Path("/harness"), Path(sys.argv[2]).parent, Path(__file__).parent, Path({folder!r})]
places = [each for root in roots for each in (root, *root.rglob("*")) if each.exists()]
changed = [str(path) for path in places if gives_way(path)]
sys.exit(f"An experiment can change {', '.join(changed)}." if changed else 0)
'''


class Finding(Record):
    """One point of the contract, and whether it holds."""

    name: str
    ok: bool
    what: str
    remedy: str = ""


class BaselineError(RuntimeError):
    """A baseline that could not be measured; the message lists the trials that did not finish."""


class _Bench(NamedTuple):
    """Where a template is tried out."""

    sandbox: Sandbox
    template: Template
    folder: Path

    def run(self, variant: str, files: Mapping[str, str], name: str) -> Trial:
        code = self.folder / "code" / variant
        source.write(self.template, files, code)
        return trial.run(self.sandbox, self.template, code, variant, 0, _SCALE, self.folder / "trials" / name)


def check(template: Template, sandbox: Sandbox) -> tuple[Finding, ...]:
    """Try every point of the contract at smoke scale, in `sandbox`; later points are left out when it does not run."""
    with tempfile.TemporaryDirectory() as temporary:
        return tuple(_findings(_Bench(sandbox, template, Path(temporary))))


def baseline(template: Template, sandbox: Sandbox, scale: str, executor: Executor | None = None) -> Path:
    """Run the unchanged template over the full stage's seeds, from 1 on, and record the trials in `baseline.jsonl`.

    Current trials at other scales are kept. Raises `BaselineError` when one does not finish; nothing is written then.
    """
    with tempfile.TemporaryDirectory() as temporary:
        code, trials = Path(temporary) / "code", Path(temporary) / "trials"
        source.write(template, {}, code)

        def run(seed: int) -> Trial:
            return trial.run(sandbox, template, code, BASELINE, seed, scale, trials / f"{scale}-s{seed}")

        seeds = range(1, trial.scale_of(template, scale).seeds.full + 1)
        ran = tuple(executor.map(run, seeds) if executor else map(run, seeds))
    if failed := [each for each in ran if each.ending is not TrialEnding.finished]:
        accounts = "\n".join(f"seed {each.seed}: {each.ending}: {each.message}" for each in failed)
        raise BaselineError(f"{len(failed)} of {len(ran)} baseline trials did not finish:\n{accounts}")
    kept = [each for each in recorded(template) if each.template_digest == template.digest and each.scale != scale]
    path = template.folder / BASELINE_FILE
    write_atomically(path, "".join(f"{each.model_dump_json()}\n" for each in (*kept, *ran)))
    return path


def recorded(template: Template) -> tuple[Trial, ...]:
    """Read `baseline.jsonl`; empty when there is none. Raises `pydantic.ValidationError` for other contents."""
    path = template.folder / BASELINE_FILE
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return tuple(TypeAdapter(Trial).validate_json(line) for line in lines)


def _findings(bench: _Bench) -> Iterator[Finding]:
    loads = _loads(bench.template)
    yield loads
    if not loads.ok:
        return
    first = bench.run(BASELINE, {}, "first")
    yield _runs(first)
    if first.ending is TrialEnding.finished:
        yield _measures(bench.template, first)
        yield _repeats(bench.template, first, bench.run(BASELINE, {}, "second"))
        yield _plots(bench, first)
        yield from (_turns(bench, knob) for knob in bench.template.knobs)
    yield _judge_is_safe(bench)
    yield baseline_stands(bench.template)


def _loads(template: Template) -> Finding:
    try:
        current = load(template.folder)
    except TemplateError as error:
        return Finding(name="loads", ok=False, what=str(error), remedy="mend what is listed")
    if current.digest != template.digest:
        return Finding(name="loads", ok=False, what="The folder changed since it was loaded.", remedy="load it again")
    return Finding(name="loads", ok=True, what=f"{template.title}, digest {template.digest[:12]}.")


def _runs(first: Trial) -> Finding:
    if first.ending is TrialEnding.finished:
        return Finding(name="runs", ok=True, what=f"Finished and scored at smoke scale in {first.wall_seconds:.1f} s.")
    remedy = "run the experiment and the scorer by hand with the smoke settings, or widen the smoke limits"
    return Finding(name="runs", ok=False, what=f"The smoke trial is {first.ending}. {first.message}", remedy=remedy)


def _measures(template: Template, first: Trial) -> Finding:
    declared = {template.metric.name, *(each.name for each in template.secondary)}
    missing, surplus = sorted(declared - {*first.measurements}), sorted({*first.measurements} - declared)
    if missing or surplus:
        what = f"The scorer leaves out {missing} and adds {surplus} against what template.toml declares."
        return Finding(name="measurements", ok=False, what=what, remedy="declare them as [[secondary]], or write them")
    values = ", ".join(f"{name} = {value:.4g}" for name, value in first.measurements.items())
    return Finding(name="measurements", ok=True, what=f"All declared, all finite: {values}.")


def _repeats(template: Template, first: Trial, second: Trial) -> Finding:
    timings = {each.name for each in template.secondary if each.timing}
    differing = [
        f"{name} is {value!r}, then {second.measurements.get(name)!r}"
        for name, value in first.measurements.items()
        if name not in timings and value != second.measurements.get(name)
    ]
    if differing:
        remedy = "draw all randomness from the seed, or mark a measured time with timing = true"
        return Finding(name="repeats", ok=False, what=f"With one seed, {'; '.join(differing)}.", remedy=remedy)
    return Finding(name="repeats", ok=True, what="The same seed gave the same numbers twice.")


def _plots(bench: _Bench, first: Trial) -> Finding:
    try:
        figures = plotting.draw(bench.sandbox, bench.template, BASELINE, [(_SCALE, first)], bench.folder / "figures")
    except plotting.PlottingError as error:
        return Finding(name="plots", ok=False, what=str(error), remedy=f"mend {bench.template.plot}")
    return Finding(name="plots", ok=True, what=f"Drew {', '.join(figure.name for figure in figures)}.")


def _turns(bench: _Bench, knob: Knob) -> Finding:
    """Turn one knob; of random expressions, which may well be nonsense to the method, one that runs is enough."""
    before = source.settings(bench.template)[knob.name]
    values = _other_values(knob, before, random.Random(0))  # noqa: S311 (the same check every time)
    enough: Callable[..., bool] = any if isinstance(knob, ExpressionKnob) else all
    trials = [_turned(bench, knob, before, value, f"{knob.name}-{at}") for at, value in enumerate(values)]
    name, listed = f"knob {knob.name}", ", ".join(map(repr, values))
    if enough(each.ending is TrialEnding.finished for each in trials):
        return Finding(name=name, ok=True, what=f"Runs when turned from {before!r} to {listed}.")
    bad = next(each for each in trials if each.ending is not TrialEnding.finished)
    what = f"Turned from {before!r} to {listed}, a trial is {bad.ending}. {bad.message}"
    return Finding(name=name, ok=False, what=what, remedy="narrow the knob, or make the method take its whole range")


def _turned(bench: _Bench, knob: Knob, before: Value, after: Value, name: str) -> Trial:
    change = Change(knob=knob.name, before=before, after=after)
    return bench.run(name, source.apply(bench.template, [change]), name)


def _other_values(knob: Knob, before: Value, rng: random.Random) -> tuple[Value, ...]:
    if isinstance(knob, ChoiceKnob):
        return tuple(choice for choice in knob.choices if choice != before)[:_MOST_VALUES]
    tries = _EXPRESSIONS if isinstance(knob, ExpressionKnob) else 1
    return tuple(dict.fromkeys(space.mutate(knob, before, rng) for _ in range(tries)))


def _judge_is_safe(bench: _Bench) -> Finding:
    """Run an experiment that tries to change its judge and leaves nothing: it must fail, and get no number."""
    code = bench.folder / "code" / "intruder"
    source.write(bench.template, {}, code)
    (code / bench.template.entry).write_text(_INTRUDER.replace("{folder!r}", repr(str(bench.template.folder))))
    before = folders.digest(bench.template.folder)
    ran = trial.run(bench.sandbox, bench.template, code, "intruder", 0, _SCALE, bench.folder / "trials" / "intruder")
    name = "judge"
    if folders.digest(bench.template.folder) != before or ran.ending not in (*_REFUSALS, TrialEnding.finished):
        return Finding(
            name=name, ok=False, what=ran.message, remedy="run it in a sandbox that holds; see ratchet doctor"
        )
    if ran.ending is TrialEnding.finished:
        what = f"A run that left no results was scored {ran.measurements}."
        return Finding(name=name, ok=False, what=what, remedy=f"let {bench.template.score} measure artefacts only")
    return Finding(
        name=name, ok=True, what="An experiment can change none of scorer, task and code, nor score nothing."
    )


def baseline_stands(template: Template) -> Finding:
    """Say whether `baseline.jsonl` was measured on the template as it is; having none yet is no fault."""
    name, remedy = "baseline", "record it with `ratchet template check --baseline`"
    try:
        trials = recorded(template)
    except ValidationError as error:
        return Finding(name=name, ok=False, what=f"{BASELINE_FILE} holds no trials: {error}", remedy=remedy)
    if not trials:
        what = f"No {BASELINE_FILE} yet; campaigns measure the baseline themselves."
        return Finding(name=name, ok=True, what=what, remedy=remedy)
    stale = sorted({each.template_digest[:12] for each in trials} - {template.digest[:12]})
    if stale:
        what = f"{BASELINE_FILE} was measured on {', '.join(stale)}, and the template is now {template.digest[:12]}."
        return Finding(name=name, ok=False, what=what, remedy=remedy)
    scales = ", ".join(sorted({each.scale for each in trials}))
    return Finding(name=name, ok=True, what=f"{len(trials)} trials of this very template at scale {scales}.")
