"""The commands: each parses, composes, calls and prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="ratchet",
    help="Machine-learning research that runs on its own, and that you can check.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
template_app = typer.Typer(help="Plug in what can be studied.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(template_app, name="template")

Campaigns = Annotated[
    Path, typer.Option("--campaigns", envvar="RATCHET_CAMPAIGNS", help="Folder that holds the campaigns.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines and nothing else.")]
HERE = Path("campaigns")
"""`agent.campaign.HOME`, said here because importing that takes long."""


@app.command()
def run(
    templates: Annotated[list[str], typer.Argument(help="Names or folders of templates; see 'ratchet template list'.")],
    name: Annotated[str | None, typer.Option(help="Of the campaign; the template's name by default.")] = None,
    scale: Annotated[str, typer.Option(help="smoke, cpu, gpu or paper.")] = "cpu",
    studies: Annotated[int, typer.Option(min=1, help="How many studies to bring to their end.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the researcher's choices.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Trials at one time.")] = 2,
    max_wall: Annotated[float | None, typer.Option(help="Stop after this many wall seconds.")] = None,
    max_trial_seconds: Annotated[float | None, typer.Option(help="Stop after this many trial seconds.")] = None,
    max_usd: Annotated[float | None, typer.Option(help="Stop at this spend in US dollars.")] = None,
    sandbox: Annotated[str | None, typer.Option(help="bubblewrap or process; chosen when not given.")] = None,
    allow_unsafe_host: Annotated[
        bool, typer.Option("--allow-unsafe-host", help="Let generated code run without isolation (process sandbox).")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a campaign of that name if there is one.")] = False,
    campaigns: Campaigns = HERE,
    json: Json = False,
) -> None:
    """Start a campaign: from templates to reviewed papers.

    Example: ratchet run minimum_entropy_coupling --studies 3
    """
    from agent import commands

    brief = commands.brief(
        name=name or Path(templates[0]).resolve().name,
        templates=tuple(templates),
        scale=scale,
        studies=studies,
        seed=seed,
        workers=workers,
        budget={"usd": max_usd, "wall_seconds": max_wall, "trial_seconds": max_trial_seconds},
        sandbox=sandbox,
        allow_unsafe_host=allow_unsafe_host,
    )
    raise typer.Exit(commands.run(campaigns, brief, resume=resume, as_json=json))


@app.command()
def resume(
    name: Annotated[str, typer.Argument(help="Of the campaign; see 'ratchet list'.")],
    studies: Annotated[int | None, typer.Option(min=1, help="A new number of studies to bring to their end.")] = None,
    max_wall: Annotated[float | None, typer.Option(help="A new cap on wall seconds, those used included.")] = None,
    max_trial_seconds: Annotated[float | None, typer.Option(help="A new cap on trial seconds.")] = None,
    max_usd: Annotated[float | None, typer.Option(help="A new cap on US dollars.")] = None,
    campaigns: Campaigns = HERE,
    json: Json = False,
) -> None:
    """Continue a campaign where it stands: nothing finished is done again.

    Example: ratchet resume minimum_entropy_coupling --studies 5
    """
    from agent import commands

    budget = {"usd": max_usd, "wall_seconds": max_wall, "trial_seconds": max_trial_seconds}
    raise typer.Exit(commands.resume(campaigns, name, studies=studies, budget=budget, as_json=json))


@app.command("list")
def list_(campaigns: Campaigns = HERE, json: Json = False) -> None:
    """List the campaigns and how far they are."""
    from agent import commands

    raise typer.Exit(commands.list_campaigns(campaigns, as_json=json))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Of the campaign.")],
    study: Annotated[int | None, typer.Argument(help="Number of one study, for its details.")] = None,
    campaigns: Campaigns = HERE,
    json: Json = False,
) -> None:
    """Show what a campaign found, or one study of it: idea, trials, comparison, verdict, files."""
    from agent import commands

    raise typer.Exit(commands.show(campaigns, name, study, as_json=json))


@app.command()
def doctor(
    campaigns: Campaigns = HERE,
    json: Json = False,
) -> None:
    """Say what this machine has, what it lacks, and the command that mends it."""
    from agent import commands

    raise typer.Exit(commands.doctor(campaigns, as_json=json))


@template_app.command("list")
def template_list(json: Json = False) -> None:
    """List the templates that can be run by name."""
    from agent import commands

    raise typer.Exit(commands.template_list(as_json=json))


@template_app.command("new")
def template_new(
    name: Annotated[str, typer.Argument(help="Lower case letters, digits and underscores.")],
    into: Annotated[Path, typer.Option(help="Folder to make it in.")] = Path(),
) -> None:
    """Make a small working template to start from."""
    from agent import commands

    raise typer.Exit(commands.template_new(name, into))


@template_app.command("check")
def template_check(
    template: Annotated[str, typer.Argument(help="Name or folder.")],
    baseline: Annotated[bool, typer.Option("--baseline", help="Also measure the baseline and write it down.")] = False,
    scale: Annotated[str, typer.Option(help="Scale of the baseline.")] = "cpu",
    json: Json = False,
) -> None:
    """Prove that a template keeps its contract: it loads, runs in the sandbox, and cannot edit its own score."""
    from agent import commands

    raise typer.Exit(commands.template_check(template, baseline=baseline, scale=scale, as_json=json))


def main() -> None:
    """Run a command; an error that a person can act on is a sentence and an exit code, never a traceback."""
    from agent.endings import code_of, message

    try:
        app()
    except Exception as error:
        code = code_of(error)
        if code is None:
            raise
        print(message(error), file=sys.stderr)
        sys.exit(code)
