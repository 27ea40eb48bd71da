"""How fast the greedy coupling is, and how the methods compare at the cpu scale; prints Markdown tables.

    python benchmarks/minimum_entropy_coupling.py [--seeds 10]

With the reference implementation of Sokota et al. (`greedy_mec` of their package `mec`) on the path, its time at the
same work stands beside ours.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

FOLDER = Path(__file__).parents[1] / "templates" / "minimum_entropy_coupling"
sys.path.insert(0, str(FOLDER))
import channel  # noqa: E402 - a template's scripts are found by their folder
import experiment  # noqa: E402
import harness  # noqa: E402

CPU: dict[str, Any] = tomllib.loads((FOLDER / "template.toml").read_text())["scales"]["cpu"]["settings"]
ROUNDS, ENOUGH_SECONDS = 3, 0.2
SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000)


def reference() -> Callable[..., object] | None:
    """Find the published greedy coupling; another package also bears the name `mec`."""
    if importlib.util.find_spec("mec") is None:
        return None
    return getattr(importlib.import_module("mec"), "greedy_mec", None)


def seconds(work: Callable[[], object]) -> float:
    """Time `work`: the best of rounds that last a fifth of a second together, three at least."""
    times: list[float] = []
    while len(times) < ROUNDS or sum(times) < ENOUGH_SECONDS:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def time_greedy() -> None:
    published = reference()
    rng = np.random.default_rng(0)
    print("| support | greedy (ms) | published loop (ms) | ratio |\n|---:|---:|---:|---:|")
    for size in SIZES:
        p, q = rng.dirichlet(np.ones(size)), rng.dirichlet(np.ones(size))
        ours = seconds(lambda p=p, q=q: experiment.greedy(p, q)) * 1e3
        if published is None:
            print(f"| {size:,} | {ours:.3f} | not on the path | |")
            continue
        theirs = seconds(lambda p=p, q=q: published(p, q, sparse=True)) * 1e3
        print(f"| {size:,} | {ours:.3f} | {theirs:.3f} | {theirs / ours:.1f} |")


def measured(seed: int, **changes: Any) -> Mapping[str, float]:  # noqa: ANN401 - fields of Config
    """Run and score one trial."""
    settings = {**CPU, **{name: value for name, value in changes.items() if name in CPU}}
    config = experiment.Config(**{**settings, **changes})
    task = channel.task(seed, settings)
    return harness.score(task, experiment.run(config, task))  # type: ignore[no-any-return]


def interval(values: Sequence[float], digits: int = 2) -> str:
    """Put the mean with its Student-t interval at 95 %."""
    sample = np.array(values)
    half = stdtrit(sample.size - 1, 0.975) * sample.std(ddof=1) / np.sqrt(sample.size)
    return f"{sample.mean():.{digits}f} ± {half:.{digits}f}"


METHODS: dict[str, dict[str, Any]] = {
    "FIMEC (baseline)": {},
    "FIMEC, merged": {"merge": True},
    "ARIMEC": {"algorithm": "arimec"},
    "ARIMEC, merged": {"algorithm": "arimec", "merge": True},
    "FIMEC, pairs pooled": {"pool": 2},
    "FIMEC, pairs pooled, merged": {"pool": 2, "merge": True},
    "FIMEC, majorisation": {"coupling": "majorisation"},
    "FIMEC, product (control)": {"coupling": "product"},
}


def compare_methods(seeds: range) -> None:
    print(
        "\n| method | $H(X \\mid Y)$ (bits) | difference to the baseline | bits/symbol | exact decoding | couplings |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    table = {name: [measured(seed, **changes) for seed in seeds] for name, changes in METHODS.items()}
    baseline = [trial["residual_entropy"] for trial in table["FIMEC (baseline)"]]
    for name, trials in table.items():
        residual = [trial["residual_entropy"] for trial in trials]
        paired = [value - before for value, before in zip(residual, baseline, strict=True)]
        difference = "" if residual is baseline or not any(paired) else interval(paired)
        columns = [interval([t[key] for t in trials]) for key in ("bits_per_token", "exact_decode_rate")]
        couplings = interval([trial["couplings_per_message"] for trial in trials], 1)
        print(f"| {name} | {interval(residual)} | {difference} | {' | '.join(columns)} | {couplings} |")


def compare_components(seeds: range) -> None:
    """Cut the same eight bits into more and more components."""
    print("\n| components | values | joint entropy, plain | merged | merged − plain |\n|---:|---:|---:|---:|---:|")
    for components in (1, 2, 4, 8):
        task = {"components": components, "symbols": 2 ** (8 // components), "cover_symbols": 6, "cover_length": 4}
        arms = [
            [measured(seed, **task, messages=200, merge=merge)["joint_entropy"] for seed in seeds]
            for merge in (False, True)
        ]
        paired = np.subtract(arms[1], arms[0]).tolist()
        row = " | ".join(interval(values) for values in (*arms, paired))
        print(f"| {components} | {task['symbols']} | {row} |")


def compare_sources(seeds: range) -> None:
    """Send a predictable plaintext by its own source, or enciphered, as if it were uniform."""
    print(
        "\n| cover length | cover (bits) | message (bits) | ARIMEC, plaintext: exact decoding | "
        "FIMEC, enciphered (28.7 bits): exact decoding | ARIMEC − FIMEC |\n|---:|---:|---:|---:|---:|---:|"
    )
    for length in (6, 12, 18):
        task = {"components": 8, "symbols": 12, "source_temperature": 0.5, "cover_length": length, "messages": 60}
        plain = [measured(seed, **task, source="plaintext", algorithm="arimec", merge=True) for seed in seeds]
        cipher = [measured(seed, **task, source="ciphertext", merge=True) for seed in seeds]
        rates = [[trial["exact_decode_rate"] for trial in trials] for trials in (plain, cipher)]
        paired = np.subtract(*rates).tolist()
        sizes = [interval([trial[key] for trial in plain], 1) for key in ("cover_entropy", "message_entropy")]
        print(f"| {length} | {' | '.join(sizes)} | {' | '.join(interval(values) for values in (*rates, paired))} |")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the greedy coupling and compare methods at the cpu scale.")
    parser.add_argument("--seeds", type=int, default=10)
    seeds = range(parser.parse_args().seeds)
    time_greedy()
    compare_methods(seeds)
    compare_components(seeds)
    compare_sources(seeds)


if __name__ == "__main__":
    main()
