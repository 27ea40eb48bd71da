"""A realistic study for each conclusion, with real trials, comparisons and figure files."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from papers.evidence import Comparison, Conclusion, Stage, compare, conclude, holm
from papers.study import FigureFile, PastStudy, Provenance, Study
from sandboxes.job import Level, Limits
from templates.idea import Change, Idea, Lineage, Prediction
from templates.space import BoolKnob, ChoiceKnob, ExpressionKnob, FloatKnob
from templates.template import Metric, Scale, SecondaryMeasurement, Seeds, Template
from templates.trial import Trial, TrialEnding

StudyOf = Callable[..., Study]

VARIANT = "merge-on"
SECONDARY = {"bits_per_token": (1.31, 0.02), "couplings_per_second": (5200.0, 90.0)}
EFFECTS = {
    Conclusion.supported: (-0.62, 0.12),
    Conclusion.refuted: (0.45, 0.12),
    Conclusion.negligible: (0.002, 0.02),
    Conclusion.inconclusive: (-0.15, 0.5),
}
"""Mean and spread of the paired difference that makes each conclusion."""

README = """# Minimum-entropy coupling

A template.

## Background

A coupling of two distributions is a joint distribution with these marginals, and one of least joint entropy conveys
as much of a message as a cover can carry. Finding it is NP-hard [@kocaoglu2017], and greedy couplings come within
0.53 bits of the optimum [@compton2023].

Perfectly secure steganography needs just that: the stego marginal has to equal the cover's [@cachin1998; @unknown2020].
See also [the overview](https://example.org/overview) of **iterative** methods.

$$H(X, Y) \\ge \\max\\{H(X), H(Y)\\}$$

### Large supports

Supports grow as 50^{45} with covers of 45 tokens:

- the posterior is kept *per component*,
- the cover is sampled token by token (`channel.py`).

## The method

The baseline couples one component of the message with one cover token at a time. With posterior $\\mu$ over blocks and
cover distribution $\\nu$, the step solves

$$
\\min_{\\gamma} H(\\gamma) \\quad \\text{s.t.} \\quad \\gamma \\mathbf{1} = \\mu, \\;
\\gamma^\\top \\mathbf{1} = \\nu
$$

greedily, and the component is the one with the largest posterior entropy.

## What may change

Anything in `experiment.py`.

## What the seed paper found

Merging lowered the joint entropy from about 10.6 to 8.6 bits at ten components [@sokota2024].

| components | bits |
|-----------:|-----:|
| 8          | 2.10 |

## How it is scored

The scorer replays each coupling from its certificate and recomputes the posterior.
"""

BIBLIOGRAPHY = """
@inproceedings{sokota2024,
  author = {Samuel Sokota and others},
  title = {Computing Low-Entropy Couplings for Large-Support Distributions},
  booktitle = {Uncertainty in Artificial Intelligence},
  year = {2024}
}
@inproceedings{kocaoglu2017,
  author = {Murat Kocaoglu and others},
  title = {Entropic Causal Inference},
  booktitle = {AAAI Conference on Artificial Intelligence},
  year = {2017}
}
@article{cachin1998,
  author = {Christian Cachin},
  title = {An Information-Theoretic Model for Steganography},
  journal = {Information Hiding},
  year = 1998
}
@inproceedings{compton2023,
  author = {Spencer Compton and others},
  title = {Minimum-Entropy Coupling Approximation Guarantees Beyond the Majorization Barrier},
  booktitle = {Artificial Intelligence and Statistics},
  year = {2023}
}
@inproceedings{schroeder2023,
  author = {Schroeder de Witt, Christian and others},
  title = {Perfectly Secure Steganography Using Minimum Entropy Coupling},
  booktitle = {International Conference on Learning Representations},
  year = {2023}
}
@article{shannon1948,
  author = {Claude E. Shannon},
  title = {A Mathematical Theory of Communication},
  journal = {Bell System Technical Journal},
  year = {1948}
}
"""

DIFF = """--- a/experiment.py
+++ b/experiment.py
@@ -12,7 +12,7 @@
 class Config:
     \"\"\"Settings of one run.\"\"\"

-    merge: bool = False
+    merge: bool = True
     \"\"\"Treat cover symbols with equal posteriors as one group.\"\"\"
"""


def template(folder: Path) -> Template:
    limits = Limits(
        wall_seconds=60, cpu_seconds=60, memory_bytes=2**30, work_bytes=2**26, output_bytes=2**20, processes=64
    )
    scale = Scale(
        description="Messages of 8 components over covers of 12 tokens; minutes on two cores.",
        settings={"components": 8, "cover_length": 12, "temperature": 0.7, "prior": "uniform"},
        limits=limits,
        seeds=Seeds(pilot=3, full=6, confirm=10),
    )
    return Template(
        name="minimum_entropy_coupling",
        title="minimum-entropy coupling for steganography",
        question="Which changes of an iterative coupling leave less of the message unknown to the receiver?",
        folder=folder,
        editable=("experiment.py",),
        metric=Metric(
            name="residual_entropy",
            title="residual message entropy",
            symbol="H(X \\mid Y)",
            unit="bits",
            better="lower",
            smallest_effect=0.1,
        ),
        secondary=(
            SecondaryMeasurement(name="bits_per_token", title="throughput", unit="bits per token", better="higher"),
            SecondaryMeasurement(
                name="couplings_per_second",
                title="coupling rate",
                unit="couplings per second",
                better="higher",
                timing=True,
            ),
            SecondaryMeasurement(name="message_entropy", title="message entropy", unit="bits"),
        ),
        scales={"smoke": scale, "cpu": scale, "paper": scale},
        knobs=(
            BoolKnob(kind="bool", name="merge", description="Treat cover symbols with equal posteriors as one group."),
            ChoiceKnob(
                kind="choice", name="algorithm", description="The iterative coupling.", choices=("fimec", "arimec")
            ),
            FloatKnob(
                kind="float",
                name="merge_tolerance",
                description="How far two posteriors may differ and still count as equal.",
                low=1e-12,
                high=0.1,
                scale="log",
            ),
            ExpressionKnob(
                kind="expression",
                name="partition_score",
                description="Which component is coupled next: the one of highest score.",
                inputs={"entropy": "posterior entropy of the component in bits", "max_mass": "its largest mass"},
            ),
        ),
        digest="5f" * 32,
    )


def idea(changes: tuple[Change, ...]) -> Idea:
    return Idea(
        slug="merge-equal-posteriors",
        template="minimum_entropy_coupling",
        title="Merge cover symbols with equal posteriors",
        hypothesis="Merging cover symbols with equal posteriors lowers the residual message entropy.",
        rationale="A coarse partition wastes entropy of the cover [@sokota2024]. Merged symbols can be coupled again.",
        prediction=Prediction(metric="residual_entropy", direction="lower", smallest_effect=0.1),
        changes=changes,
        lineage=Lineage(operator="seed", parents=("baseline",)),
    )


def trial(variant: str, seed: int, measurements: dict[str, float], **other: object) -> Trial:
    fields: dict[str, Any] = {
        "template": "minimum_entropy_coupling",
        "template_digest": "5f" * 32,
        "variant": variant,
        "code_digest": "a0" * 32,
        "scale": "cpu",
        "seed": seed,
        "ending": TrialEnding.finished,
        "measurements": measurements,
        "wall_seconds": 2.5,
        "cpu_seconds": 2.25 if variant == "baseline" else 3.5,
        "peak_memory_bytes": 90 * 2**20,
        "level": Level.namespace,
        "backend": "bubblewrap",
    }
    return Trial(**(fields | other))


def pair(rng: random.Random, seed: int, mean: float, spread: float) -> tuple[Trial, Trial]:
    """Make a baseline trial and one of the change, `mean` apart; the coupling rate falls with the change.

    The message entropy is a property of the task, the same in both.
    """
    floor = rng.gauss(2.3, 0.2)
    rate, noise = SECONDARY["couplings_per_second"]
    throughput, jitter = SECONDARY["bits_per_token"]
    return (
        trial(
            "baseline",
            seed,
            {
                "residual_entropy": floor,
                "bits_per_token": rng.gauss(throughput, jitter),
                "couplings_per_second": rng.gauss(rate, noise),
                "message_entropy": 8.0,
            },
        ),
        trial(
            VARIANT,
            seed,
            {
                "residual_entropy": floor + rng.gauss(mean, spread),
                "bits_per_token": rng.gauss(throughput, jitter),
                "couplings_per_second": rng.gauss(0.8 * rate, noise),
                "message_entropy": 8.0,
            },
        ),
    )


def crash(variant: str, seed: int) -> Trial:
    return trial(
        variant,
        seed,
        {},
        ending=TrialEnding.crashed,
        message='Traceback (most recent call last):\n  File "experiment.py", line 41\nValueError: mass 1.2 > 1',
    )


def figure(folder: Path, name: str, values: tuple[float, ...]) -> FigureFile:
    """Draw a real figure with the data behind it."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(5, 2.5), layout="constrained")
    drawn.add_subplot().plot(range(len(values)), values, marker="o", linestyle="none")
    FigureCanvasPdf(drawn).print_pdf(folder / f"{name}.pdf", metadata={"CreationDate": None})
    (folder / f"{name}.csv").write_text("\n".join(["value", *map(repr, values)]) + "\n")
    hashes = {end: hashlib.sha256((folder / f"{name}.{end}").read_bytes()).hexdigest() for end in ("pdf", "csv")}
    return FigureFile(
        name=name,
        pdf=folder / f"{name}.pdf",
        csv=folder / f"{name}.csv",
        caption=f"Paired differences of the {name} stage, one point for each seed.",
        pdf_sha256=hashes["pdf"],
        csv_sha256=hashes["csv"],
    )


def compared(stage: Stage, trials: list[Trial], variant: str = VARIANT, reference: str = "baseline") -> Comparison:
    found = compare(
        stage,
        variant,
        reference,
        "residual_entropy",
        "lower",
        [each for each in trials if each.variant == variant],
        [each for each in trials if each.variant == reference],
    )
    assert found is not None
    return found


@pytest.fixture
def study_of(tmp_path: Path) -> StudyOf:
    """Give a function that makes the study of a conclusion.

    `shrink` divides the confirmation's effect; `ablate` adds a second change with its ablations; anything else replaces
    a field of the study.
    """

    def make(
        conclusion: Conclusion = Conclusion.supported, *, shrink: float = 1.0, ablate: bool = False, **other: object
    ) -> Study:
        rng = random.Random(7)  # noqa: S311 - trials, not secrets
        mean, spread = EFFECTS.get(conclusion, (0.0, 0.1))
        changes = (Change(knob="merge", before=False, after=True),)
        trials: list[Trial] = []
        comparisons: list[Comparison] = []
        if conclusion is Conclusion.failed:
            trials = [pair(rng, seed, 0.0, 0.1)[0] for seed in (1, 2, 3)] + [crash(VARIANT, seed) for seed in (1, 2, 3)]
        else:
            plan = (
                (Stage.pilot, range(1, 4), 1.0),
                (Stage.full, range(11, 17), 1.0),
                (Stage.confirm, range(1000, 1010), shrink),
            )
            for stage, seeds, divisor in plan:
                made = [each for seed in seeds for each in pair(rng, seed, mean / divisor, spread)]
                comparisons.append(compared(stage, made))
                trials += made
            # One seed of the confirmation crashed: it stays in the counts.
            broken = [pair(rng, 1010, 0.0, 0.1)[0], crash(VARIANT, 1010)]
            comparisons[-1] = compared(Stage.confirm, [each for each in trials if each.seed >= 1000] + broken)
            trials += broken
        ablated: dict[str, str] = {}
        if ablate:
            tolerance = Change(knob="merge_tolerance", before=1e-9, after=0.01)
            changes = (*changes, tolerance)
            for knob, lost in (("merge", 0.6), ("merge_tolerance", 0.0)):
                name = f"{VARIANT}-without-{knob}"
                whole = [each for each in trials if each.variant == VARIANT and 11 <= each.seed <= 16]
                made = [
                    trial(
                        name,
                        each.seed,
                        {
                            **each.measurements,
                            "residual_entropy": each.measurements["residual_entropy"] + rng.gauss(lost, 0.05),
                        },
                    )
                    for each in whole
                ]
                comparisons.append(compared(Stage.ablation, whole + made, name, VARIANT))
                trials += made
                ablated[name] = knob
        headline = next((each for each in comparisons if each.stage is Stage.confirm), None)
        ps = [0.4, *([headline.p] if headline else [])]
        corrected = holm(ps)
        prediction = idea(changes).prediction
        p_holm = corrected[-1] if headline else None
        concluded = conclude(prediction, headline, p_holm)
        assert concluded is conclusion, f"the fixture's numbers give {concluded}, not {conclusion}"
        past = PastStudy(
            number=1,
            slug="rule-of-thumb",
            title="Score partitions by their largest mass",
            conclusion=Conclusion.inconclusive,
            difference=0.04,
            low=-0.2,
            high=0.28,
            p=0.4,
            p_holm=corrected[0],
        )
        own = PastStudy(
            number=2,
            slug="merge-equal-posteriors",
            title="Merge cover symbols with equal posteriors",
            conclusion=conclusion,
            difference=headline.difference if headline else None,
            low=headline.low if headline else None,
            high=headline.high if headline else None,
            p=headline.p if headline else None,
            p_holm=p_holm,
        )
        values = headline.variant_values if headline else (1.0, 2.0)
        fields: dict[str, Any] = {
            "number": 2,
            "slug": "merge-equal-posteriors",
            "scale": "cpu",
            "template": template(tmp_path),
            "background": README,
            "idea": idea(changes),
            "diff": DIFF,
            "conclusion": conclusion,
            "reason": "The rules of the study give this conclusion.",
            "comparisons": tuple(comparisons),
            "p_holm": p_holm,
            "ablated": ablated,
            "trials": tuple(trials),
            "figures": (figure(tmp_path, "paired", values), figure(tmp_path, "stages", values[::-1]))
            if headline
            else (),
            "bibliography": BIBLIOGRAPHY,
            "cited": ("sokota2024", "kocaoglu2017", "schroeder2023", "shannon1948"),
            "tried": (past, own),
            "provenance": Provenance(
                campaign="first",
                researchers={"all": "embedded"},
                ratchet_version="0.1.0",
                template_digest="5f" * 32,
                variant_digest="a0" * 32,
                hardware="AMD EPYC 7B13, 2 cores, 24 GiB of memory",
                software={"Python": "3.11.7", "numpy": "2.1.3"},
                sandbox="bubblewrap (namespace)",
                wall_seconds=412.5,
                trial_cpu_seconds=120.0,
                spend_usd=0.0,
                command="ratchet run minimum_entropy_coupling --name first --scale cpu --studies 5 --seed 0",
            ),
        }
        return Study(**(fields | other))

    return make
