"""The commands: each parses, composes, calls and prints."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from agent import options
from agent.options import Grouped

app = typer.Typer(
    name="ratchet",
    help="Machine-learning research that runs on its own, and that you can check.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
template_app = typer.Typer(help="Plug in what can be studied.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(template_app, name="template")

HERE = Path("campaigns")
"""`agent.campaign.HOME`, said here because importing that takes long."""


@app.command(cls=Grouped)
def run(
    templates: Annotated[list[str], typer.Argument(help="Names or folders of templates; see 'ratchet template list'.")],
    name: Annotated[str | None, typer.Option(help="Of the campaign; the template's name by default.")] = None,
    scale: Annotated[str, typer.Option(help="smoke, cpu, gpu or paper.")] = "cpu",
    studies: Annotated[int, typer.Option(min=1, help="How many studies to bring to their end.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the researcher's choices.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Trials at one time.")] = 2,
    sandbox: Annotated[str | None, typer.Option(help="bubblewrap or process; chosen when not given.")] = None,
    allow_unsafe_host: Annotated[
        bool, typer.Option("--allow-unsafe-host", help="Let generated code run without isolation (process sandbox).")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a campaign of that name if there is one.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print plan and estimate; start nothing.")] = False,
    llm: options.Llm = None,
    llms: options.Llms = None,
    base_url: options.BaseUrl = None,
    price: options.Price = None,
    context: options.Context = None,
    max_output: options.MaxOutput = None,
    max_usd: options.MaxUsd = None,
    max_tokens: options.MaxTokens = None,
    max_wall: options.MaxWall = None,
    max_trial_seconds: options.MaxTrialSeconds = None,
    max_gpu_seconds: options.MaxGpuSeconds = None,
    study_max_usd: options.StudyMaxUsd = None,
    study_max_tokens: options.StudyMaxTokens = None,
    study_max_wall: options.StudyMaxWall = None,
    wait: options.Wait = None,
    guard: options.Guard = None,
    guard_share: options.GuardShare = 1.0,
    papers: options.Papers = None,
    offline: options.Offline = False,
    source: options.Sources = None,
    approve: options.Approve = None,
    campaigns: options.Campaigns = HERE,
    json: options.Json = False,
) -> None:
    """Start a campaign: from templates to reviewed papers.

    Example: ratchet run minimum_entropy_coupling --studies 3
    """
    from agent import commands, terms

    brief = terms.brief(
        name=name or Path(templates[0]).resolve().name,
        templates=tuple(templates),
        scale=scale,
        studies=studies,
        seed=seed,
        workers=workers,
        sandbox=sandbox,
        allow_unsafe_host=allow_unsafe_host,
        guard=guard,
        guard_share=guard_share,
        papers=papers and papers.expanduser().resolve(),
        offline=offline,
        sources=terms.sources(source),
    )
    changes = terms.Changes(
        studies=studies,
        wait=wait,
        approve=approve,
        budget={
            "usd": max_usd,
            "tokens": max_tokens,
            "wall_seconds": max_wall,
            "trial_seconds": max_trial_seconds,
            "gpu_seconds": max_gpu_seconds,
        },
        study_budget={"usd": study_max_usd, "tokens": study_max_tokens, "wall_seconds": study_max_wall},
        llms=terms.Named(llm, llms, base_url, price, context, max_output),
    )
    if dry_run:
        raise typer.Exit(commands.dry_run(campaigns, terms.changed(brief, changes), as_json=json))
    raise typer.Exit(commands.run(campaigns, brief, changes, resume=resume, as_json=json))


@app.command(cls=Grouped)
def resume(
    name: Annotated[str, typer.Argument(help="Of the campaign; see 'ratchet list'.")],
    studies: Annotated[int | None, typer.Option(min=1, help="A new number of studies to bring to their end.")] = None,
    llm: options.Llm = None,
    llms: options.Llms = None,
    base_url: options.BaseUrl = None,
    price: options.Price = None,
    context: options.Context = None,
    max_output: options.MaxOutput = None,
    max_usd: options.MaxUsd = None,
    max_tokens: options.MaxTokens = None,
    max_wall: options.MaxWall = None,
    max_trial_seconds: options.MaxTrialSeconds = None,
    max_gpu_seconds: options.MaxGpuSeconds = None,
    study_max_usd: options.StudyMaxUsd = None,
    study_max_tokens: options.StudyMaxTokens = None,
    study_max_wall: options.StudyMaxWall = None,
    wait: options.Wait = None,
    approve: options.Approve = None,
    campaigns: options.Campaigns = HERE,
    json: options.Json = False,
) -> None:
    """Continue a campaign where it stands: nothing finished is done again.

    New caps count what is used already; new language models answer what is not answered yet.

    Example: ratchet resume minimum_entropy_coupling --studies 5
    """
    from agent import commands, terms

    changes = terms.Changes(
        studies=studies,
        wait=wait,
        approve=approve,
        budget={
            "usd": max_usd,
            "tokens": max_tokens,
            "wall_seconds": max_wall,
            "trial_seconds": max_trial_seconds,
            "gpu_seconds": max_gpu_seconds,
        },
        study_budget={"usd": study_max_usd, "tokens": study_max_tokens, "wall_seconds": study_max_wall},
        llms=terms.Named(llm, llms, base_url, price, context, max_output),
    )
    raise typer.Exit(commands.resume(campaigns, name, changes, as_json=json))


@app.command()
def cost(
    name: Annotated[str, typer.Argument(help="Of the campaign; see 'ratchet list'.")],
    campaigns: options.Campaigns = HERE,
    json: options.Json = False,
) -> None:
    """Show what a campaign paid for language models: by study, question and language model."""
    from agent import commands

    raise typer.Exit(commands.cost(campaigns, name, as_json=json))


@app.command()
def approve(
    name: Annotated[str, typer.Argument(help="Of the campaign; see 'ratchet list'.")],
    campaigns: options.Campaigns = HERE,
    json: options.Json = False,
) -> None:
    """Approve what a campaign waits with, and let it go on."""
    from agent import commands

    raise typer.Exit(commands.approve(campaigns, name, as_json=json))


@app.command()
def reject(
    name: Annotated[str, typer.Argument(help="Of the campaign; see 'ratchet list'.")],
    because: Annotated[str, typer.Option(help="What is wrong with it: whoever answers next is told.")] = "",
    campaigns: options.Campaigns = HERE,
    json: options.Json = False,
) -> None:
    """Reject what a campaign waits with: an idea is dropped, code is repaired, a paper revised; then it goes on."""
    from agent import commands

    raise typer.Exit(commands.reject(campaigns, name, because, as_json=json))


@app.command()
def edit(
    name: Annotated[str, typer.Argument(help="Of the campaign; see 'ratchet list'.")],
    file: Annotated[Path | None, typer.Option("--with", help="Your version; without it, $EDITOR is opened.")] = None,
    campaigns: options.Campaigns = HERE,
    json: options.Json = False,
) -> None:
    """Change what a campaign waits with, idea, code or paper, and let it go on with that."""
    from agent import commands

    raise typer.Exit(commands.edit(campaigns, name, file, as_json=json))


@app.command()
def replay(
    name: Annotated[str, typer.Argument(help="Of the campaign; see 'ratchet list'.")],
    into: Annotated[str | None, typer.Option(help="Name of the replay; NAME-replay by default.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Run the trials once more too.")] = False,
    campaigns: options.Campaigns = HERE,
    json: options.Json = False,
) -> None:
    """Make a campaign's finished studies once more from its own record, offline, and compare them file by file."""
    from agent import commands

    raise typer.Exit(commands.replay(campaigns, name, into, again=again, as_json=json))


@app.command("list")
def list_(campaigns: options.Campaigns = HERE, json: options.Json = False) -> None:
    """List the campaigns and how far they are."""
    from agent import commands

    raise typer.Exit(commands.list_campaigns(campaigns, as_json=json))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Of the campaign.")],
    study: Annotated[int | None, typer.Argument(help="Number of one study, for its details.")] = None,
    campaigns: options.Campaigns = HERE,
    json: options.Json = False,
) -> None:
    """Show what a campaign found, or one study of it: idea, trials, comparison, verdict, files."""
    from agent import commands

    raise typer.Exit(commands.show(campaigns, name, study, as_json=json))


@app.command(cls=Grouped)
def doctor(
    llm: options.Llm = None,
    llms: options.Llms = None,
    base_url: options.BaseUrl = None,
    price: options.Price = None,
    context: options.Context = None,
    max_output: options.MaxOutput = None,
    prompt_tokens: options.PromptTokens = 12_000,
    campaigns: options.Campaigns = HERE,
    json: options.Json = False,
) -> None:
    """Say what this machine has, what it lacks, and the command that mends it.

    With --llm, also ask each language model once, with a long prompt: whether it answers, sees all of it, and keeps to
    a form; and what that cost.
    """
    from agent import commands, terms

    named = terms.Named(llm, llms, base_url, price, context, max_output)
    raise typer.Exit(commands.doctor(campaigns, named, prompt_tokens, as_json=json))


@template_app.command("list")
def template_list(json: options.Json = False) -> None:
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
    json: options.Json = False,
) -> None:
    """Prove that a template keeps its contract: it loads, runs in the sandbox, and cannot edit its own score."""
    from agent import commands

    raise typer.Exit(commands.template_check(template, baseline=baseline, scale=scale, as_json=json))


def main() -> None:
    """Run a command; an error that a person can act on is a sentence and an exit code, never a traceback.

    No key is in what is printed, not even in the traceback of a bug.
    """
    from agent.endings import Exit, code_of, message, shown

    try:
        app()
    except Exception as error:  # noqa: BLE001 (the outermost place: it says what happened, and ends the process)
        code = code_of(error)
        print(shown(traceback.format_exc() if code is None else message(error)), file=sys.stderr)
        sys.exit(Exit.bug if code is None else code)
