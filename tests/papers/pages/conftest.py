"""A realistic paper with everything a paper may have, for those that print and check it."""

import hashlib
from pathlib import Path

import pytest

from papers.evidence import Stage, compare
from papers.facts import Fact
from papers.paper import Equation, Figure, Items, Listing, Paper, Paragraph, Section, Table
from papers.study import FigureFile
from sandboxes.job import Level
from templates.trial import Trial, TrialEnding

SEEDS = tuple(range(1000, 1010))
BASELINE = (4.71, 4.55, 4.83, 4.62, 4.78, 4.49, 4.66, 4.74, 4.58, 4.69)
VARIANT = (2.13, 2.02, 2.41, 2.08, 2.26, 1.98, 2.15, 2.31, 1.95, 2.19)

BIBLIOGRAPHY = r"""
@inproceedings{sokota2024,
  title = {Computing Low-Entropy Couplings for Large-Support Distributions},
  author = {Sokota, Samuel and Sam, Dylan and Schroeder de Witt, Christian and Compton, Spencer and Foerster, Jakob
            and Kolter, J. Zico},
  booktitle = {Uncertainty in Artificial Intelligence}, year = {2024}
}
@inproceedings{kocaoglu2017,
  title = {Entropic Causal Inference},
  author = {Kocaoglu, Murat and Dimakis, Alexandros G. and Vishwanath, Sriram and Hassibi, Babak},
  booktitle = {AAAI Conference on Artificial Intelligence}, year = {2017}
}
@article{kovacevic2015,
  title = {On the Entropy of Couplings},
  author = {Kova{\v{c}}evi{\'c}, Mladen and Stanojevi{\'c}, Ivan and {\v S}enk, Vojin},
  journal = {Information and Computation}, volume = {242}, pages = {369--382}, year = 2015,
  doi = {10.1016/j.ic.2015.04.003}
}
@article{holm1979,
  title = {A Simple Sequentially Rejective Multiple Test Procedure}, author = {Holm, Sture},
  journal = {Scandinavian Journal of Statistics}, volume = {6}, number = {2}, pages = {65--70}, year = {1979}
}
"""

DIFF = '''--- a/experiment.py
+++ b/experiment.py
@@ -21,7 +21,7 @@
 class Config:
     """What the method may vary."""
 # settings
-    merge: bool = False
+    merge: bool = True
     """Couple again within groups of symbols that say the same about the message."""
 #
     merge_tolerance: float = 1e-9
'''

CODE = '''def partition_score(entropy, max_mass, log2_blocks):
    """Score a partition; the highest is coupled next."""
    return entropy  # as published
'''


def trial(variant: str, seed: int, value: float) -> Trial:
    return Trial(
        template="coupling",
        template_digest="0" * 64,
        variant=variant,
        code_digest="1" * 64,
        scale="cpu",
        seed=seed,
        ending=TrialEnding.finished,
        measurements={"entropy": value},
        wall_seconds=3.0,
        level=Level.namespace,
        backend="bubblewrap",
    )


def known_facts() -> dict[str, Fact]:
    made = compare(
        Stage.confirm,
        "merge",
        "baseline",
        "entropy",
        "lower",
        [trial("merge", seed, value) for seed, value in zip(SEEDS, VARIANT, strict=True)],
        [trial("baseline", seed, value) for seed, value in zip(SEEDS, BASELINE, strict=True)],
    )
    assert made is not None
    variant, reference = sum(VARIANT) / len(VARIANT), sum(BASELINE) / len(BASELINE)
    numbers = {
        "confirm.variant": variant,
        "confirm.reference": reference,
        "confirm.difference": made.difference,
        "confirm.low": made.low,
        "confirm.high": made.high,
        "confirm.p": made.p,
        "confirm.relative": 100 * made.difference / reference,
        "confirm.probability": made.probability_of_improvement,
        "headline.p_holm": 3 * made.p,
        "full.difference": -2.61,
        "full.low": -2.8,
        "full.high": -2.42,
        "pilot.difference": -2.7,
    }
    facts = {
        key: Fact(value=value, unit="bits", source="trials", kind="measured", signed=key.endswith(("ce", "relative")))
        for key, value in numbers.items()
    }
    facts["confirm.reference"] = facts["confirm.reference"].model_copy(update={"signed": False})
    counts = {"confirm.n": 10, "full.n": 6, "campaign.ideas": 3, "trials.total": 1240}
    facts |= {k: Fact(value=v, unit="", source="counted", kind="counted") for k, v in counts.items()}
    constants = {"level": 95, "idea.smallest_effect": 0.2, "background.1": 0.53, "knob.merge_tolerance.after": 1e-9}
    facts |= {k: Fact(value=v, unit="", source="declared", kind="declared") for k, v in constants.items()}
    for seed, ours, theirs in zip(SEEDS, VARIANT, BASELINE, strict=True):
        for name, value in (("variant", ours), ("reference", theirs), ("difference", ours - theirs)):
            key = f"confirm.seed.{seed}.{name}"
            facts[key] = Fact(value=value, unit="bits", source="trial", kind="measured", signed=name == "difference")
        facts[f"confirm.seed.{seed}"] = Fact(value=seed, unit="", source="seeds", kind="declared")
    return facts


def good_paper() -> Paper:
    return Paper(
        title="Merging interchangeable symbols lowers the residual entropy of factored couplings",
        author="Ratchet 0.1.0 (embedded researcher)",
        abstract=(
            "Coupling a message with a cover text so that the pair has little entropy is how perfectly secure "
            "steganography sends many bits. We asked whether coupling again within groups of cover symbols that say "
            "the same about the message lowers the residual entropy $H(X \\mid Y)$. Over [[confirm.n]] fresh paired "
            "seeds it lowered it by [[confirm.difference:abs.2f]] bits ([[level]] % interval [[confirm.low]] to "
            "[[confirm.high]]; Holm-corrected p = [[headline.p_holm]]). The prediction, an effect of at least "
            "[[idea.smallest_effect]] bits, was written down before any trial."
        ),
        sections=(
            Section(
                title="Introduction",
                blocks=(
                    Paragraph(
                        text=(
                            "A *coupling* of two distributions is a joint distribution that has them as its marginals. "
                            "Among all couplings the one of least joint entropy is hard to find, yet greedy "
                            "constructions come within [[background.1:.2f]] bits of it [@kocaoglu2017; "
                            "@kovacevic2015]. "
                            "For messages with many independent components an iterative method couples one component "
                            "at a time [@sokota2024]; it is fast, and it wastes cover entropy whenever several cover "
                            "symbols tell the receiver the same thing."
                        )
                    ),
                    Paragraph(heading="Contributions.", text="This paper reports one change and what it does:"),
                    Items(
                        items=(
                            "a prediction, written down first, and its test on fresh seeds (Table [#tab:headline]);",
                            "the value of every seed (Table [#tab:seeds] and [#fig:paired]);",
                            "the change itself, in full ([#lst:change]).",
                        )
                    ),
                ),
            ),
            Section(
                title="Method",
                blocks=(
                    Paragraph(
                        text=(
                            "Let $X$ be the message and $Y = (Y_1, \\ldots, Y_m)$ the cover text. At each step the "
                            "method picks the component whose posterior block entropy is largest, by the score of "
                            "[#lst:score], couples it with the next symbol, and updates the posterior. What the "
                            "receiver still does not know is given by [#eq:residual]."
                        )
                    ),
                    Equation(
                        label="eq:residual",
                        tex=r"H(X \mid Y) = H(X) - \mathbb{E}\left[ \log \frac{p(Y \mid X)}{\nu(Y)} \right] .",
                    ),
                    Listing(
                        label="lst:score",
                        caption="The score of a partition, as published.",
                        code=CODE,
                        language="python",
                    ),
                    Paragraph(
                        text=(
                            "The variant sets `merge` to `True`: symbols whose coupling rows are proportional, within "
                            "`merge_tolerance` = [[knob.merge_tolerance.after]], form a group, and the cover "
                            "distribution is restricted to the group and coupled once more."
                        )
                    ),
                    Listing(
                        label="lst:change",
                        caption="The whole change to the editable source.",
                        code=DIFF,
                        language="diff",
                    ),
                ),
            ),
            Section(
                title="Results",
                blocks=(
                    Paragraph(
                        text=(
                            "On the confirmation seeds the variant reached [[confirm.variant]] bits where the baseline "
                            "left [[confirm.reference]], that is lower by [[confirm.difference:abs.2f]] bits or "
                            "[[confirm.relative:abs.0f]] % of the baseline. The full stage had shown a difference of "
                            "[[full.difference]] bits, so the effect held. All [[trials.total]] trials are "
                            "counted, and the correction is that of Holm [@holm1979] over [[campaign.ideas]] ideas."
                        )
                    ),
                    Table(
                        label="tab:headline",
                        caption="Residual entropy of variant and baseline on paired seeds, in bits; lower is better.",
                        header=("Stage", "$n$", "Variant", "Baseline", "Difference", "Interval", "$p$"),
                        rows=(
                            (
                                "full",
                                "[[full.n]]",
                                "—",
                                "—",
                                "[[full.difference]]",
                                "[[[full.low]], [[full.high]]]",
                                "—",
                            ),
                            (
                                "confirmation",
                                "[[confirm.n]]",
                                "[[confirm.variant]]",
                                "[[confirm.reference]]",
                                "[[confirm.difference]]",
                                "[[[confirm.low]], [[confirm.high]]]",
                                "[[confirm.p]]",
                            ),
                        ),
                        note="Intervals are Student's for the mean paired difference.",
                    ),
                    Figure(
                        label="fig:paired",
                        caption="Residual entropy without and with merging. Each line joins one seed's pair.",
                        file="paired",
                        width=0.72,
                    ),
                ),
            ),
            Section(
                title="Limitations",
                blocks=(
                    Paragraph(
                        text=(
                            "One template was studied, at one scale. The cover channel is a random Markov chain, so "
                            "nothing here says what happens under a language model's cover distribution. What else was "
                            "used is listed in [#tab:settings]."
                        )
                    ),
                ),
            ),
            Section(
                title="Every seed",
                appendix=True,
                blocks=(
                    Table(
                        label="tab:seeds",
                        caption="The residual entropy of every confirmation seed, in bits.",
                        header=("Seed", "Variant", "Baseline", "Difference"),
                        rows=tuple(
                            (
                                f"[[confirm.seed.{seed}]]",
                                f"[[confirm.seed.{seed}.variant:.2f]]",
                                f"[[confirm.seed.{seed}.reference:.2f]]",
                                f"[[confirm.seed.{seed}.difference:.2f]]",
                            )
                            for seed in SEEDS
                        ),
                    ),
                    Table(
                        label="tab:settings",
                        caption="How this paper was made.",
                        header=("What", "Value"),
                        rows=(
                            ("Template digest", "`9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`"),
                            ("Sandbox", "bubblewrap (namespace); no network, one writable folder, all limits enforced"),
                            ("Command", "`ratchet run minimum_entropy_coupling --scale cpu --ideas embedded`"),
                        ),
                    ),
                ),
            ),
        ),
    )


def draw(folder: Path) -> FigureFile:
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(4.2, 2.5), layout="constrained")
    axes = drawing.add_subplot()
    for ours, theirs in zip(VARIANT, BASELINE, strict=True):
        axes.plot([0, 1], [theirs, ours], "o-", color="#1F4E79", alpha=0.7, markersize=4)
    axes.set_xticks([0, 1], ["baseline", "merging"])
    axes.set_ylabel("residual entropy (bits)")
    with rc_context({"pdf.fonttype": 42}):
        FigureCanvasPdf(drawing).print_pdf(folder / "paired.pdf", metadata={"CreationDate": None})
    rows = [f"{seed},{a},{b}" for seed, a, b in zip(SEEDS, VARIANT, BASELINE, strict=True)]
    (folder / "paired.csv").write_text("\n".join(["seed,merge,baseline", *rows]) + "\n")
    digests = {end: hashlib.sha256((folder / f"paired.{end}").read_bytes()).hexdigest() for end in ("pdf", "csv")}
    return FigureFile(
        name="paired",
        pdf=folder / "paired.pdf",
        csv=folder / "paired.csv",
        caption="Paired seeds.",
        pdf_sha256=digests["pdf"],
        csv_sha256=digests["csv"],
    )


@pytest.fixture(scope="session")
def facts() -> dict[str, Fact]:
    return known_facts()


@pytest.fixture(scope="session")
def paper() -> Paper:
    return good_paper()


@pytest.fixture(scope="session")
def bibliography() -> str:
    return BIBLIOGRAPHY


@pytest.fixture(scope="session")
def figures(tmp_path_factory: pytest.TempPathFactory) -> tuple[FigureFile, ...]:
    return (draw(tmp_path_factory.mktemp("figures")),)
