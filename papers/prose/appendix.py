"""The appendices: how the paper was made, and what is needed to make it again."""

from __future__ import annotations

from papers.evidence import Comparison
from papers.paper import Block, Listing, Paragraph, Section, Table
from papers.prose import tables
from papers.prose.material import Material, listed
from papers.prose.method import listing
from papers.study import Provenance

NOTICE = "Notice"
"""Heading of the paragraph that says who wrote the paper."""
LINE = 80
"""Characters of a command that fit on a line of a listing."""


def origin(material: Material) -> Section:
    """Say who made the paper, with what, and at what cost."""
    return Section(title="How this paper was made", blocks=(notice(material), _made(material)), appendix=True)


def reproducibility(material: Material) -> Section:
    """Say how to repeat it."""
    made = material.study.provenance
    record = (
        " from its own record, trials included: what language models and persons said is taken over, and nobody is "
        "asked anew. The campaign's folder is needed for that. A new campaign asks them again, and may be told "
        "something else"
    )
    text = (
        f"[#lst:command] repeats the campaign that this study belongs to{record if made.from_record else ''}. "
        f"Seeds are fixed and recorded, and so are the settings ({_where(material)}); equal digests of template and "
        "code mean equal inputs. Times will differ "
        "between machines; the measurements of a trial that is a function of its seed will not."
    )
    seeds = [_seeds(found) for found in material.study.comparisons] or _tried(material)
    files = (
        "The study's folder keeps each trial with its settings, output and measurements, the comparisons, the data "
        "behind each figure, and this paper as data. Every number in the text was put there by its key and not "
        "typed."
    )
    blocks = (
        Paragraph(text=text, heading="Command"),
        Listing(
            label="lst:command",
            caption="The command that repeats the campaign.",
            code=on_lines(made.command),
            language="text",
        ),
        *((Paragraph(text=" ".join(seeds), heading="Seeds"),) if seeds else ()),
        Paragraph(text=files, heading="Records"),
        *listing(material, main=False),
    )
    return Section(title="Reproducibility", blocks=blocks, appendix=True)


def _where(material: Material) -> str:
    return "[#tab:settings]" if material.scale().settings else "the scale has none of its own"


def notice(material: Material) -> Paragraph:
    """Say that a program wrote the paper, and what language models and persons had to do with it."""
    answered = material.study.provenance.researchers
    seeded = material.study.idea.lineage.operator == "seed"
    writer = {material.byline.writer} if material.byline else set()
    models = sorted({who for who in answered.values() if not who.startswith("embedded")} | writer)
    if models:
        told = listed([f"`{model}`" for model in models])
        made = f"Language models had a part in it: {told}. [#tab:made] says in what.{_prose(material)}"
    else:
        made = (
            "No language model had a part in it: the idea came from "
            f"{'the template' if seeded else 'a search of the settings that the template declares'}, and the prose "
            "was composed by rules from the measurements ([#tab:made])."
        )
    hands = material.study.provenance.hands
    people = (
        f"It was written by a program, Ratchet. {' '.join(hands)} Nobody has vouched for its claims."
        if hands
        else "It was written by a program, Ratchet, without a human author, and no human has checked its claims."
    )
    text = (
        f"This paper is AI-generated. {people} {made} It should be read as a machine's report that can be verified, "
        "not as peer-reviewed work."
    )
    return Paragraph(text=text, heading=NOTICE)


def _prose(material: Material) -> str:
    """Say whose words the reader has read, and which part of them was to be someone else's."""
    byline = material.byline
    if byline is None:
        return " The prose was composed by rules from the measurements."
    written = f" `{byline.writer}` wrote the prose under these headings: {listed(byline.written)}."
    rest = " Rules composed the rest, and every table; each number in any of it was put there by its key."
    left = f" It was asked for more ({listed(byline.left)}), and no version of that passed the checks on evidence."
    return f"{written if byline.written else ''}{rest}{left if byline.left else ''}"


def _made(material: Material) -> Table:
    study = material.study
    made = study.provenance
    who = [(f"Answered by, for {kind}", f"`{name}`") for kind, name in sorted(made.researchers.items())]
    software = ", ".join(f"{name} {material.said(f'software.{name}')}" for name in made.software) or "not recorded"
    rows = [
        ("Program", f"Ratchet `{made.ratchet_version}`"),
        *who,
        ("Campaign and study", f"`{made.campaign}`, `{study.slug}`"),
        ("Template", f"`{study.template.name}`, digest `{made.template_digest[:16]}`"),
        ("Code of the variant", f"digest `{made.variant_digest[:16]}`" if made.variant_digest else "none ran"),
        ("Hardware", material.said("hardware")),
        ("Software", software),
        ("Sandbox", material.said("sandbox")),
        ("Wall time of the study", "[[cost.wall_seconds:,.0f]] s"),
        ("CPU time of its trials", "[[cost.trial_cpu_seconds:,.0f]] s"),
        ("Language models, up to this draft", _spent(made)),
    ]
    return Table(label="tab:made", caption="How this paper was made.", header=("What", "Value"), rows=tuple(rows))


def _spent(made: Provenance) -> str:
    if not made.tokens:
        return "none"
    if made.unpriced_tokens == made.tokens:
        return "[[cost.tokens:,.0f]] tokens, price not known"
    rest = ", without those whose price is not known" if made.unpriced_tokens else ""
    return f"[[cost.tokens:,.0f]] tokens, [[cost.spend_usd:.2f]] USD{rest}"


def _tried(material: Material) -> list[str]:
    """Name the seeds of a study that reached no comparison."""
    seeds = sorted({trial.seed for trial in material.study.trials if trial.scale == material.study.scale})
    return (
        [f"Trials ran on seeds {', '.join(f'`{seed}`' for seed in seeds)}; none of them was compared."] if seeds else []
    )


def _seeds(found: Comparison) -> str:
    seeds = ", ".join(f"`{seed}`" for seed in found.seeds)
    if found.stage in tables.STAGES:
        return f"The {tables.STAGES[found.stage]} stage compared seeds {seeds}."
    return f"The ablation `{found.variant}` compared seeds {seeds}."


def additional(blocks: tuple[Block, ...]) -> tuple[Section, ...]:
    """Gather what reviewers asked for."""
    return (Section(title="Additional analyses", blocks=blocks, appendix=True),) if blocks else ()


def on_lines(command: str) -> str:
    """Break a long command between its options, as a shell reads it on."""
    return command if len(command) <= LINE else command.replace(" --", " \\\n    --")
