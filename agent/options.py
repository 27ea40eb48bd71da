"""The options that several commands share, and how their help groups them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

LANGUAGE = "Language models"
CAPS = "Caps, of the whole campaign and of each study"
PEOPLE = "Safeguards and people"


class Grouped(TyperCommand):
    """A command whose help shows its options by their panels."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (the library keeps their types private)
        sections: dict[str, list[Any]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            panel = "Arguments" if parameter.param_type_name == "argument" else "Options"
            row = parameter.get_help_record(ctx)
            if row is not None:
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or panel, []).append(row)
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def language(*names: str, help: str, metavar: str | None = None, least: int | None = None) -> Any:  # noqa: A002, ANN401 (as typer calls it)
    return typer.Option(*names, help=help, metavar=metavar, min=least, rich_help_panel=LANGUAGE)


def cap(*names: str, help: str) -> Any:  # noqa: A002, ANN401 (as typer calls it)
    return typer.Option(*names, help=help, rich_help_panel=CAPS)


Campaigns = Annotated[
    Path, typer.Option("--campaigns", envvar="RATCHET_CAMPAIGNS", help="Folder that holds the campaigns.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines and nothing else.")]
Llm = Annotated[
    list[str] | None,
    language(
        "--llm",
        metavar="SPEC",
        help="Who answers: PROVIDER/MODEL for all, or ideas=…,code=…,writing=…,review=…; 'A|B' asks B when A fails; "
        "the rest stays 'embedded'. Repeatable.",
    ),
]
Llms = Annotated[Path | None, language(help="Settings of language models. [default: ~/.ratchet/llms.toml]")]
BaseUrl = Annotated[str | None, language(help="Of a server that speaks their protocol.", metavar="URL")]
Price = Annotated[
    str | None,
    language(metavar="IN,OUT[,CACHE_READ[,CACHE_WRITE]]", help="US dollars for a million tokens."),
]
Context = Annotated[int | None, language(least=1, metavar="N", help="Tokens of their context window.")]
MaxOutput = Annotated[int | None, language(least=1, metavar="N", help="Tokens of their longest answer.")]
PromptTokens = Annotated[int, language(least=100, metavar="N", help="Of the long prompt.")]
MaxUsd = Annotated[float | None, cap(help="US dollars.")]
MaxTokens = Annotated[int | None, cap(help="Tokens of language models.")]
MaxWall = Annotated[float | None, cap(help="Wall seconds.")]
MaxTrialSeconds = Annotated[float | None, cap(help="Seconds of trials, summed.")]
MaxGpuSeconds = Annotated[float | None, cap(help="Seconds of trials times their GPUs; no sandbox lends any yet.")]
StudyMaxUsd = Annotated[float | None, cap(help="US dollars of one study.")]
StudyMaxTokens = Annotated[int | None, cap(help="Tokens of one study.")]
StudyMaxWall = Annotated[float | None, cap(help="Wall seconds of one study.")]
Wait = Annotated[
    bool | None,
    typer.Option(
        "--wait/--no-wait",
        help="Wait as long as a provider asks, or stop with 7 when that is more than a minute or so. [default: wait]",
        rich_help_panel=PEOPLE,
    ),
]
Approve = Annotated[
    str | None,
    typer.Option(metavar="ideas,code,paper", help="Wait there for your word.", rich_help_panel=PEOPLE),
]
Guard = Annotated[
    float | None,
    typer.Option(
        metavar="THRESHOLD",
        help="Refuse an answer that its language model will not repeat: BLEU under this (PARDEN), 0 to 1.",
        rich_help_panel=PEOPLE,
    ),
]
GuardShare = Annotated[float, typer.Option(help="Of the answers that are guarded.", rich_help_panel=PEOPLE)]
Papers = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", exists=True, file_okay=False, help="Your PDFs, to be searched too.", rich_help_panel=PEOPLE
    ),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Ask no source of literature on the network.", rich_help_panel=PEOPLE)
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="NAME=URL",
        help="Where semantic_scholar, openalex, arxiv or crossref is asked instead. Repeatable.",
        rich_help_panel=PEOPLE,
    ),
]
