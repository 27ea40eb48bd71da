"""Language models on the command line, asked over HTTP: what each option does, and how each trouble ends."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from author_ideas import IdeasAuthor
from command import after_trial, ratchet, start, tried
from llm_server import Answer, Asked, LLMServer, Scene

from agent import bootstrap, campaign, circumstances
from agent.campaign import Campaign
from agent.llm import Message, Request
from agent.state import Step
from sandboxes.scripted import Scripted
from templates import scaffold

Serve = Callable[[Answer], LLMServer]
REVOKED = Scene(status=401, error="Incorrect API key provided.", code="invalid_api_key")
SPENT = Scene(status=429, error="You exceeded your current quota.", code="insufficient_quota")
KEY = "sk-test-0123456789abcdef"
AN_HOUR = Scene(status=429, error="Too many requests.", headers={"Retry-After": "3600"})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the template `toy` in it."""
    scaffold.new("toy", tmp_path)
    return tmp_path


def run(place: Path, url: str, *words: str, llm: str = "ideas=openai/x", command: str = "run") -> CompletedProcess[str]:
    what = ("toy", "--name", "story", "--scale", "smoke", "--offline") if command == "run" else ("story",)
    capped = words if {"--price", "--max-tokens"} & set(words) else (*words, "--max-tokens", "9000000")
    return ratchet(command, *what, "--llm", llm, "--base-url", url, *capped, cwd=place)


def made(place: Path) -> Campaign:
    return Campaign(place / "campaigns" / "story")


def author(prefers: str = "knobs") -> Answer:
    """Answer every question of ideas from the prompt."""
    ideas = IdeasAuthor(prefers=prefers)

    def answer(asked: Asked) -> Scene:
        turns = tuple(
            Message(speaker="assistant" if who == "assistant" else "user", text=text) for who, text in asked.turns
        )
        request = Request(purpose="any", system="", context=asked.system, messages=turns, max_tokens=1)
        return Scene(text=ideas.answer(request) or "I cannot say.")

    return after_trial(answer)


def paid(place: Path) -> dict[str, dict[str, object]]:
    """Give what `ratchet cost` says of each question."""
    report = json.loads(ratchet("cost", "story", "--json", cwd=place).stdout)
    return {row["name"]: row for row in report["by_question"]}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--llm", "gpt-x"), "names no language model"),
        (("--llm", "idea=openai/x"), "ideas, code, writing, review"),
        (("--llm", "openai/x", "--llm", "openai/y"), "twice"),
        (("--llm", "openai/x", "--price", "1"), "--price"),
        (("--llm", "openai/x", "--base-url", "here"), "--base-url"),
        (("--base-url", "http://127.0.0.1:1/v1"), "go with --llm"),
        (("--llm", "openai/x", "--llms", "none.toml"), "none.toml"),
        (("--llm", "openai/x", "--context", "0"), "--context"),
        (("--guard", "2"), "--guard"),
        (("--guard-share", "0"), "--guard-share"),
        (("--approve", "everything"), "--approve"),
        (("--papers", "nowhere"), "--papers"),
        (("--max-tokens", "-1"), "--max-tokens"),
        (("--max-gpu-seconds", "0"), "--max-gpu-seconds"),
        (("--study-max-usd", "-1"), "--study-max-usd"),
        (("--study-max-tokens", "-1"), "--study-max-tokens"),
        (("--study-max-wall", "0"), "--study-max-wall"),
    ],
    ids=" ".join,
)
def test_bad_input_is_a_sentence_and_2_and_nothing_is_begun(place: Path, words: tuple[str, ...], told: str) -> None:
    done = ratchet("run", "toy", *words, cwd=place)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (place / "campaigns").exists()


def test_an_unknown_price_without_a_cap_on_tokens_ends_with_3_before_anyone_is_asked(serve: Serve, place: Path) -> None:
    server = serve(author())
    done = run(place, server.v1, "--max-tokens", "100", "--price", "1,2")
    assert done.returncode == 4
    done = ratchet("run", "toy", "--llm", "openai/x", "--base-url", server.v1, "--max-usd", "5", cwd=place)
    assert done.returncode == 3
    assert "--price IN,OUT" in done.stderr
    assert "--max-tokens" in done.stderr
    assert server.asked == ()


def test_a_missing_key_ends_with_3_and_names_the_variable(place: Path) -> None:
    done = ratchet("run", "toy", "--llm", "anthropic/claude-x", "--max-tokens", "9", cwd=place)
    assert done.returncode == 3
    assert "ANTHROPIC_API_KEY" in done.stderr
    assert not (place / "campaigns").exists()


@pytest.mark.parametrize("scene", [REVOKED, SPENT, Scene(status=404, error="No such model.", code="model_not_found")])
def test_who_cannot_answer_is_found_before_any_work_and_the_same_command_begins_once_that_is_mended(
    serve: Serve, place: Path, scene: Scene
) -> None:
    done = run(place, serve(lambda _: scene).v1)
    assert done.returncode == 3, done.stderr
    assert "does not answer" in done.stderr
    assert not made(place).studies()
    again = run(place, serve(after_trial(lambda _: REVOKED)).v1)
    assert again.returncode == 7, again.stderr


def test_a_wrong_address_ends_with_3(place: Path) -> None:
    done = run(place, "http://127.0.0.1:1/v1")
    assert done.returncode == 3
    assert "http://127.0.0.1:1/v1 cannot be reached" in done.stderr


def test_a_busy_provider_is_no_fault_of_the_set_up(serve: Serve, place: Path) -> None:
    done = run(place, serve(lambda _: AN_HOUR).v1, "--no-wait")
    assert done.returncode == 7, done.stderr


@pytest.mark.parametrize("scene", [REVOKED, SPENT])
def test_a_key_that_fails_in_mid_campaign_ends_with_7_the_reason_and_both_ways_on(
    serve: Serve, place: Path, scene: Scene
) -> None:
    done = run(place, serve(after_trial(lambda _: scene)).v1)
    assert done.returncode == 7, done.stderr
    assert scene.error in done.stderr
    assert "ratchet resume story" in done.stderr
    assert "--llm PROVIDER/MODEL" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_that_a_terminal_would_obey_is_in_how_a_campaign_ends(serve: Serve, place: Path) -> None:
    told = Scene(status=401, error="Incorrect \x1b]0;title\x07key\x9b31m provided.", code="invalid_api_key")
    done = run(place, serve(after_trial(lambda _: told)).v1)
    assert done.returncode == 7, done.stderr
    assert "provided." in done.stderr
    assert not [each for each in done.stderr if not (each.isprintable() or each == "\n")]


@pytest.mark.slow
def test_a_campaign_goes_on_with_another_language_model_or_with_none(serve: Serve, place: Path) -> None:
    assert run(place, serve(after_trial(lambda _: REVOKED)).v1).returncode == 7
    other = serve(author())
    done = run(place, other.v1, "--max-trial-seconds", "0.001", llm="ideas=openai/y", command="resume")
    assert done.returncode == 4, done.stderr
    assert tried(other.asked[0])
    assert {asked.model for asked in other.asked} == {"y"}
    assert campaign.read_brief(made(place)).llms == {"ideas": ("openai/y",)}
    done = ratchet("resume", "story", "--llm", "embedded", "--max-trial-seconds", "900", cwd=place)
    assert done.returncode == 0, done.stderr
    assert campaign.read_brief(made(place)).llms == {}


def test_an_hour_that_is_not_waited_for_ends_with_7_the_reason_and_when(serve: Serve, place: Path) -> None:
    done = run(place, serve(after_trial(lambda _: AN_HOUR)).v1, "--no-wait", "--json")
    assert done.returncode == 7, done.stderr
    assert "in 60 min" in done.stderr
    assert "ratchet resume story" in done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["event"], last["exit"]) == ("stopped", 7)
    assert 3500 < (datetime.fromisoformat(last["wake"]) - datetime.now(UTC)).total_seconds() <= 3600


def test_an_hour_beyond_the_cap_on_wall_time_ends_with_7_at_once(serve: Serve, place: Path) -> None:
    done = run(place, serve(after_trial(lambda _: AN_HOUR)).v1, "--max-wall", "600")
    assert done.returncode == 7, done.stderr
    assert "600 wall seconds" in done.stderr


def test_a_wait_is_shown_and_ctrl_c_ends_it(serve: Serve, place: Path) -> None:
    url = serve(after_trial(lambda _: AN_HOUR)).v1
    words = ("run", "toy", "--name", "story", "--scale", "smoke", "--offline", "--json")
    process = start(*words, "--llm", "ideas=openai/x", "--base-url", url, "--max-tokens", "900000", cwd=place)
    killer = threading.Timer(60, process.kill)
    killer.start()
    assert process.stdout is not None
    shown = next(step for line in process.stdout if (step := json.loads(line)).get("step") == "waiting")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    killer.cancel()
    assert "Too many requests." in shown["text"]
    assert "goes on at" in shown["text"]
    assert process.returncode == 130, errors


@pytest.mark.parametrize(
    ("words", "raise_it"),
    [
        (("--max-tokens", "3000"), "ratchet resume story --max-tokens"),
        (("--max-usd", "0.01", "--price", "3,9"), "ratchet resume story --max-usd"),
        (("--study-max-tokens", "3000"), "ratchet resume story --study-max-tokens"),
        (("--study-max-usd", "0.01", "--price", "3,9"), "ratchet resume story --study-max-usd"),
    ],
    ids=" ".join,
)
def test_a_call_that_could_go_beyond_a_cap_is_not_made(
    serve: Serve, place: Path, words: tuple[str, ...], raise_it: str
) -> None:
    server = serve(author())
    done = run(place, server.v1, *words)
    assert done.returncode == 4, done.stderr
    assert raise_it in done.stderr
    assert all(map(tried, server.asked))


@pytest.mark.slow
def test_the_next_language_model_answers_for_one_whose_key_fails(serve: Serve, place: Path) -> None:
    answer = author()
    server = serve(lambda asked: REVOKED if asked.model == "dead" and not tried(asked) else answer(asked))
    done = run(place, server.v1, "--max-trial-seconds", "0.001", llm="ideas=openai/dead|openai/live")
    assert done.returncode == 4, done.stderr
    assert "openai/dead is passed over" in done.stdout
    assert len(made(place).studies()) == 1


@pytest.mark.slow
def test_who_only_has_ideas_turns_knobs_and_what_was_answered_is_asked_once(serve: Serve, place: Path) -> None:
    server = serve(author())
    words = ("--price", "1,2", "--max-trial-seconds", "0.001")
    assert run(place, server.v1, *words).returncode == 4
    before = len(server.asked)
    assert any("only knobs can be turned" in asked.text for asked in server.asked)
    done = ratchet("resume", "story", "--max-trial-seconds", "900", cwd=place)
    assert done.returncode == 0, done.stderr
    assert len(server.asked) == before
    assert "propose" in done.stdout
    shown = ratchet("show", "story", cwd=place).stdout
    assert "ideas by openai/x; code, writing, review by embedded" in shown
    row = json.loads(ratchet("show", "story", "--json", cwd=place).stdout)
    assert row["tokens"] == sum(
        sum(tokens for name, tokens in each["usage"].items() if name != "reasoning_tokens")
        for each in paid(place).values()
    )
    assert row["usd"] > 0


def test_who_also_writes_the_code_may_plan_any_change(serve: Serve, place: Path) -> None:
    server = serve(after_trial(lambda _: REVOKED))
    assert run(place, server.v1, llm="ideas=openai/x,code=openai/x").returncode == 7
    proposing = server.asked[-1].text
    assert "how the code should change" in proposing
    assert "only knobs can be turned" not in proposing


def test_what_a_language_model_refuses_is_remembered_with_the_campaign(serve: Serve, place: Path) -> None:
    def picky(asked: Asked) -> Scene:
        named = next((name for name in ("stream_options", "stream") if asked.body.get(name)), None)
        return Scene(status=400, error=f"Unsupported parameter: '{named}'.", param=named) if named else REVOKED

    first, second = serve(picky), serve(picky)
    assert run(place, first.v1).returncode == 3
    kept = json.loads(made(place).adaptations.read_text())["llms"]["openai/x"]["without"]
    assert set(kept) == {"stream", "stream_options"}
    assert run(place, second.v1).returncode == 3
    assert (len(first.asked), len(second.asked)) == (3, 1)


@pytest.mark.parametrize(("share", "guarded"), [("1", True), ("0.000001", False)])
def test_the_guard_has_answers_repeated_and_refuses_what_is_not(
    serve: Serve, place: Path, share: str, *, guarded: bool
) -> None:
    words = ("--guard", "0.5", "--guard-share", share, "--max-trial-seconds", "0.001")
    done = run(place, serve(author()).v1, *words)
    assert ("guard" in paid(place)) is guarded
    assert ("did not repeat its own answer" in done.stdout) is guarded
    assert ('"event":"guarded"' in made(place).ledger.read_text()) is guarded
    assert "Traceback" not in done.stderr


def test_a_dry_run_prints_plan_and_estimate_and_starts_nothing(serve: Serve, place: Path) -> None:
    server = serve(author())
    done = run(place, server.v1, "--dry-run", "--price", "1,2", "--max-usd", "3")
    assert done.returncode == 0, done.stderr
    for part in ("propose (ideas)", "Expected:", "At most:", "It stops before it goes beyond --max-usd 3"):
        assert part in done.stdout
    assert server.asked == ()
    assert not (place / "campaigns").exists()


def test_a_dry_run_says_what_would_be_lacking(place: Path) -> None:
    done = run(
        place, "http://127.0.0.1:1/v1", "--dry-run", "--max-usd", "3", "--price", "1,2", llm="anthropic/claude-x"
    )
    assert done.returncode == 0
    done = ratchet("run", "toy", "--scale", "smoke", "--dry-run", "--llm", "anthropic/claude-x", cwd=place)
    assert done.returncode == 3
    assert "Expected:" in done.stdout
    assert "ANTHROPIC_API_KEY" in done.stderr


def test_no_secret_and_all_that_was_said_is_in_the_brief(serve: Serve, place: Path) -> None:
    (place / "pdfs").mkdir()
    settings = place / "mine.toml"
    server = serve(after_trial(lambda _: REVOKED))
    settings.write_text(f'["openai/x"]\nbase_url = "{server.v1}"\nkey = "MY_KEY"\n')
    words = ("--llms", "mine.toml", "--price", "1,2,0.1", "--context", "9000", "--max-output", "800", "--no-wait")
    caps = ("--max-gpu-seconds", "7", "--study-max-wall", "9000", "--papers", "pdfs", "--approve", "ideas,paper")
    llm = ("--name", "story", "--offline", "--llm", "writing=openai/x", "--max-trial-seconds", "0.001")
    more = ("--seed", "3", "--studies", "2", "--workers", "1", "--guard", "0.5", "--guard-share", "0.25")
    elsewhere = ("--source", "arxiv=http://127.0.0.1:1", "--sandbox", "bubblewrap")
    ratchet("run", "toy", "--scale", "smoke", *llm, *words, *caps, *more, *elsewhere, cwd=place, MY_KEY=KEY)
    brief = campaign.read_brief(made(place))
    assert brief.endpoints["openai/x"].model_dump(exclude_none=True) == {
        "base_url": server.v1,
        "key": "MY_KEY",
        "price": {"input": 1, "output": 2, "cache_read": 0.1},
        "context_tokens": 9000,
        "max_output_tokens": 800,
        "timeout_seconds": 600,
    }
    assert (brief.wait, brief.offline, brief.papers) == (False, True, place / "pdfs")
    assert (brief.budget.gpu_seconds, brief.study_budget.wall_seconds) == (7, 9000)
    assert (brief.seed, brief.studies, brief.workers, brief.guard, brief.guard_share) == (3, 2, 1, 0.5, 0.25)
    assert (brief.sources, brief.sandbox) == ({"arxiv": "http://127.0.0.1:1"}, "bubblewrap")
    assert brief.approve == ("ideas", "paper")
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert not [file for file in place.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]


def test_resume_takes_new_caps_and_points_and_keeps_the_rest(serve: Serve, place: Path) -> None:
    url = serve(after_trial(lambda _: REVOKED)).v1
    assert run(place, url, "--study-max-usd", "3").returncode == 7
    before = campaign.read_brief(made(place))
    words = ("--max-usd", "5", "--study-max-tokens", "77777", "--approve", "code", "--no-wait", "--price", "1,2")
    assert ratchet("resume", "story", *words, cwd=place).returncode == 7
    after = campaign.read_brief(made(place))
    assert (after.budget.usd, after.study_budget.tokens, after.study_budget.usd) == (5, 77777, 3)
    assert (after.approve, after.wait, after.llms) == (("code",), False, before.llms)
    assert after.endpoints["openai/x"].base_url == url
    assert after.endpoints["openai/x"].price is not None


def test_a_resume_that_is_refused_changes_nothing(serve: Serve, place: Path) -> None:
    assert run(place, serve(after_trial(lambda _: REVOKED)).v1).returncode == 7
    before = made(place).brief.read_text()
    refusing = serve(lambda _: REVOKED)
    for _ in range(2):
        assert run(place, refusing.v1, llm="ideas=openai/y", command="resume").returncode == 3
        assert made(place).brief.read_text() == before
    assert len(refusing.asked) == 2


def test_papers_of_ones_own_join_what_is_searched(place: Path) -> None:
    (place / "pdfs").mkdir()
    (place / "pdfs" / "broken.pdf").write_bytes(b"this is no PDF")
    brief = campaign.Brief(name="story", templates=(str(place / "toy"),), scale="smoke", papers=place / "pdfs")
    there = campaign.create(place / "campaigns", brief)
    steps: list[Step] = []
    with bootstrap.tools(there, brief, steps.append, threading.Event(), Scripted(lambda _: None)) as tools:
        assert tools.literature is not None
        tools.literature.search("stochastic approximation")
    assert "broken.pdf" in " ".join(step.text for step in steps)


def test_a_replay_needs_no_key_and_is_what_a_paper_by_language_models_names_as_its_command(place: Path) -> None:
    llms = {"ideas": ("anthropic/a", "openai/b")}
    brief = campaign.Brief(name="story", templates=(str(place / "toy"),), scale="smoke", llms=llms)
    there = campaign.create(place / "campaigns", brief)
    silent = Scripted(lambda _: None)
    with bootstrap.tools(there, brief, lambda _: None, threading.Event(), silent, replaying=True) as tools:
        assert tools.researchers["ideas"].name == "anthropic/a or openai/b"
        assert tools.researchers["code"].name == "embedded"
        assert circumstances.command(tools) == "ratchet replay story --again"
