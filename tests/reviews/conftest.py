"""Papers made by hand: a good one with an effect, a good one without, and a sloppy one."""

from collections.abc import Mapping

import pytest

from reviews.document import Document, Grid, Passage, Picture, Reference
from reviews.sentences import sentences


def passages(texts: Mapping[str, str]) -> tuple[Passage, ...]:
    appendix = "Appendix"
    return tuple(
        Passage(
            title=title.removeprefix(f"{appendix}: "), sentences=sentences(text), appendix=title.startswith(appendix)
        )
        for title, text in texts.items()
    )


HEADER = ("Stage", "n", "Variant", "Reference", "Difference", "95 % interval", "p")
STAGES = Grid(
    label="Table 1",
    caption="Residual message entropy in bits at each stage, over paired seeds.",
    header=HEADER,
    rows=(
        ("pilot", "3", "0.95", "1.24", "−0.29", "−0.52 to −0.06", "0.250"),
        ("full", "8", "0.97", "1.26", "−0.29", "−0.36 to −0.22", "0.008"),
        ("confirmation", "10", "0.99", "1.25", "−0.26", "−0.31 to −0.21", "0.002"),
    ),
)
SECONDARY = Grid(
    label="Table 2",
    caption="Every secondary measurement at the stages full and confirm, over paired seeds.",
    header=("Measurement", "Stage", "Variant", "Reference", "Difference", "95 % interval", "n"),
    rows=(
        ("Couplings per message", "full", "41.0", "30.2", "10.8", "9.9 to 11.7", "8"),
        ("Couplings per message", "confirm", "41.3", "30.1", "11.2", "10.2 to 12.2", "10"),
    ),
)
SEEDS = Grid(
    label="Table 3",
    caption="The residual message entropy of every paired seed of the confirmation.",
    header=("Seed", "Variant", "Reference", "Difference", "CPU seconds"),
    rows=(
        ("1000", "0.98", "1.22", "−0.24", "2.1"),
        ("1001", "1.00", "1.28", "−0.28", "2.2"),
    ),
)
FIGURE = Picture(label="Figure 1", caption="Residual message entropy of each paired seed with mean and interval.")

WORKS = tuple(
    Reference(key=key, title=title, year=year, cited=True)
    for key, title, year in (
        ("sokota2024", "Computing low-entropy couplings for large-support distributions", 2024),
        ("dewitt2023", "Perfectly secure steganography using minimum entropy coupling", 2023),
        ("sokota2022", "Communicating via Markov decision processes", 2022),
        ("compton2023", "Minimum-entropy coupling approximation guarantees beyond the majorization barrier", 2023),
        ("kocaoglu2017", "Entropic causal inference", 2017),
        ("cicalese2019", "Minimum-entropy couplings and their applications", 2019),
        ("rossi2019", "Greedy additive approximation algorithms for minimum-entropy coupling problem", 2019),
        ("li2021", "Efficient approximate minimum entropy coupling of multiple probability distributions", 2021),
        ("cachin2004", "An information-theoretic model for steganography", 2004),
        ("shannon1948", "A mathematical theory of communication", 1948),
    )
)

INTRODUCTION = (
    "A sender who hides a message and a receiver who reads it share a joint law. "
    "Greedy couplings come close to the least entropy that is possible (compton2023; rossi2019; li2021; cicalese2019). "
    "The question is whether merging small blocks of a message lowers what stays unread. "
    "Hypothesis and prediction were stored before any trial, so neither could be fitted to the results."
)
BACKGROUND = (
    "Iterative coupling handles one component at a time (sokota2024; sokota2022). "
    "It was used for perfectly secure steganography (dewitt2023; cachin2004; shannon1948; kocaoglu2017). "
    "Our rule differs from that of the published scheme (sokota2024) in what it couples at each step."
)
METHOD = (
    "The baseline is the published scheme with a greedy coupling. "
    "We introduce a merging rule that joins two blocks when both are small, where $q$ denotes the mass of a block. "
    "No other part of the method was touched, and the rule needs no memory of earlier steps."
)
SETUP = (
    "Both arms ran with the same seeds, numbered 1000 to 1009 in the confirmation. "
    "The prediction was a lower residual entropy, by at least 0.05 bits, than the baseline has. "
    "The score was computed by a separate job in a fresh sandbox that the change cannot reach. "
    "All trials ran on two CPU cores with Python 3.11 and numpy 2.1, in three environments with other alphabets."
)
REPRODUCE = "The command `ratchet run minimum_entropy_coupling --seed 7` repeats the campaign. It takes 4 minutes."

GOOD = Document(
    title="Merging small blocks lowers residual message entropy",
    abstract=sentences(
        "Hiding a message in the output of a channel needs a joint law of low entropy. "
        "The iterative scheme leaves part of a message unread when it has many small components. "
        "We asked whether merging small blocks before each step would lower what stays unread. "
        "Before any trial we predicted a lower entropy, and the smallest effect of interest was 0.05 bits. "
        "On n = 10 fresh paired seeds our change lowered it by −0.26 bits (95 % interval −0.31 to −0.21, "
        "p = 0.014 after Holm's correction over 7 ideas). "
        "The price is a third more couplings for each message. "
        "The effect was as large in every one of three environments and for every alphabet tried."
    ),
    sections=passages(
        {
            "Introduction": INTRODUCTION,
            "Background and related work": BACKGROUND,
            "Method": METHOD,
            "Experimental set-up": SETUP,
            "Results": (
                "Table 1 gives the result at each stage, and Figure 1 shows the pairs. "
                "The effect is 21 % of the reference and held on seeds that played no part in choosing the variant. "
                "The interquartile mean agrees with the mean, and leaving out one seed at a time keeps its sign. "
                "All trials of the confirmation finished, and none of the runs failed. "
                "Ablations that turn one change back at a time locate the effect in the merging rule. "
                "Couplings per message got worse (Table 2), which is the price of the gain, and Table 3 has all seeds. "
                "A published method with a stronger search (li2021) reached 1.10 bits on the same seeds, which is more."
            ),
            "Limitations": (
                "The study covers ten seeds at the scale `cpu`, and longer messages may behave in another way. "
                "The scorer cannot see how much memory a receiver would need."
            ),
            "Conclusion": (
                "Merging small blocks lowered the residual entropy by −0.26 bits (interval −0.31 to −0.21). "
                "The rule is worth its price where messages are long."
            ),
            "How this paper was made": REPRODUCE,
        }
    ),
    tables=(STAGES, SECONDARY, SEEDS),
    figures=(FIGURE,),
    references=WORKS,
    equations=2,
    listings=1,
)

NULL_ROWS = (
    ("pilot", "3", "1.23", "1.24", "−0.01", "−0.12 to 0.10", "0.750"),
    ("full", "8", "1.25", "1.26", "−0.01", "−0.04 to 0.02", "0.609"),
    ("confirmation", "10", "1.24", "1.25", "−0.01", "−0.03 to 0.01", "0.342"),
)
NULL = GOOD.model_copy(
    update={
        "title": "Merging small blocks: no practical effect on residual message entropy",
        "abstract": sentences(
            "Hiding a message in the output of a channel needs a joint law of low entropy. "
            "The iterative scheme leaves part of a message unread when it has many small components. "
            "We asked whether merging small blocks before each step would lower what stays unread. "
            "Before any trial we predicted a lower entropy, and the smallest effect of interest was 0.05 bits. "
            "On n = 10 fresh paired seeds the difference was −0.01 bits (95 % interval −0.03 to 0.01, "
            "p = 0.684 after Holm's correction over 7 ideas), so an effect that matters is ruled out. "
            "The number of couplings did not change by more than chance allows for in any stage of the study."
        ),
        "sections": passages(
            {
                "Introduction": INTRODUCTION,
                "Background and related work": BACKGROUND,
                "Method": METHOD,
                "Experimental set-up": SETUP,
                "Results": (
                    "Table 1 gives the result at each stage, and Figure 1 shows the pairs. "
                    "Neither stage shows a difference that matters, and the interquartile mean agrees with the mean. "
                    "Leaving out one seed at a time moves the mean difference across zero. "
                    "All trials of the confirmation finished, and none of the runs failed. "
                    "Table 2 holds what else was measured, and Table 3 has all seeds."
                ),
                "Limitations": (
                    "The study covers ten seeds at the scale `cpu`, and longer messages may behave in another way. "
                    "The scorer cannot see how much memory a receiver would need."
                ),
                "Conclusion": (
                    "No effect of merging that matters was found at this scale. Larger block counts remain to be tried."
                ),
                "How this paper was made": REPRODUCE,
            }
        ),
        "tables": (STAGES.model_copy(update={"rows": NULL_ROWS}), SECONDARY, SEEDS),
    }
)

SLOPPY = Document(
    title="A novel merging method improves steganography",
    abstract=sentences(
        "We propose a novel approach that dramatically improves steganography. "
        "Our method clearly outperforms the state of the art."
    ),
    sections=passages(
        {
            "Introduction": "Steganography matters. Our novel method is a breakthrough for the field.",
            "Approach": "We merge blocks. It is remarkably simple.",
            "Results": "With one seed, our method reached 0.99 where the other had 1.25. This is significantly better.",
        }
    ),
    tables=(
        Grid(
            label="Table 1",
            caption="Results.",
            header=("Method", "Mean entropy"),
            rows=(("ours", "0.99"), ("theirs", "1.25")),
        ),
    ),
    figures=(Picture(label="Figure 1", caption="A plot."),),
    references=(Reference(key="kocaoglu2017", title="Entropic causal inference", year=2017, cited=False),),
)


@pytest.fixture
def good() -> Document:
    return GOOD


@pytest.fixture
def null() -> Document:
    return NULL


@pytest.fixture
def sloppy() -> Document:
    return SLOPPY
