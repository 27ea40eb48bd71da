from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from templates import scaffold

RATCHET = Path(sys.executable).parent / "ratchet"


def ratchet(*words: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [RATCHET, *words],
        cwd=cwd,
        env=env or dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return scaffold.new("toy", tmp_path)


def run_toy(toy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return ratchet("run", str(toy), "--name", "story", "--scale", "smoke", *words, cwd=toy.parent)


def start_toy(toy: Path, *words: str) -> subprocess.Popen[str]:
    command = [str(RATCHET), "run", str(toy), "--name", "story", "--scale", "smoke", "--json", *words]
    return subprocess.Popen(command, cwd=toy.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], step: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("step", "").startswith(step):
            return
    raise AssertionError(f"The run ended before it came to {step}.")


def fill(path: Path) -> None:
    """Write until the disk takes nothing more."""
    with path.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(4096))


def path_without(tmp_path: Path, *programs: str) -> dict[str, str]:
    """Give an environment whose PATH has every program of this machine's but `programs`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for place in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for program in Path(place).iterdir():
            if program.name not in programs and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    return {**os.environ, "PATH": str(folder)}


@pytest.mark.slow
def test_one_command_leads_from_a_template_to_a_reviewed_paper(toy: Path) -> None:
    done = run_toy(toy)
    assert done.returncode == 0, done.stderr
    study = next((toy.parent / "campaigns" / "story" / "studies").iterdir())
    assert (study / "paper" / "paper.pdf").read_bytes().startswith(b"%PDF")
    assert (study / "reviews" / "review.md").exists()
    assert str(Path("campaigns/story/studies") / study.name / "paper/paper.pdf") in done.stdout
    assert "$0.00" in done.stdout
    assert " ratchet show story 1" in done.stdout


@pytest.mark.slow
def test_json_is_all_that_goes_to_standard_output_when_asked(toy: Path) -> None:
    done = run_toy(toy, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "launch"
    assert events[-1] | {"studies": []} == {"event": "done", "exit": 0, "studies": []}
    assert {event["event"] for event in events[1:-1]} == {"step"}


@pytest.mark.slow
def test_a_campaign_goes_on_from_study_to_study_and_tries_nothing_twice(toy: Path) -> None:
    assert run_toy(toy, "--studies", "2").returncode in (0, 6)
    assert ratchet("resume", "story", "--studies", "4", cwd=toy.parent).returncode in (0, 6)
    shown = ratchet("show", "story", "--json", cwd=toy.parent)
    ideas = [json.loads(line)["idea"] for line in shown.stdout.splitlines()]
    assert len(ideas) == len(set(ideas)) == 4


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_resume_finishes_without_running_a_trial_twice(toy: Path) -> None:
    process = start_toy(toy)
    wait_for(process, "experiment")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "Stopping" in errors
    assert ratchet("resume", "story", cwd=toy.parent).returncode == 0
    ledger = (toy.parent / "campaigns" / "story" / "ledger.jsonl").read_text()
    started = [entry["key"] for entry in map(json.loads, ledger.splitlines()) if entry["event"] == "trial_started"]
    assert len(started) == len(set(started))


@pytest.mark.slow
def test_kill_minus_nine_in_the_sandbox_loses_nothing_finished(toy: Path) -> None:
    process = start_toy(toy)
    wait_for(process, "experiment")
    process.kill()
    process.communicate()
    assert ratchet("resume", "story", cwd=toy.parent).returncode == 0
    trials = list((toy.parent / "campaigns" / "story").glob("**/trial.json"))
    assert len(trials) >= 5


@pytest.mark.slow
def test_a_second_process_on_one_campaign_exits_5_and_says_who_holds_it(toy: Path) -> None:
    process = start_toy(toy)
    wait_for(process, "propose")
    second = ratchet("resume", "story", cwd=toy.parent)
    looked = ratchet("show", "story", cwd=toy.parent)
    process.kill()
    process.communicate()
    assert second.returncode == 5
    assert f"process {process.pid}" in second.stderr
    assert looked.returncode == 0


@pytest.mark.slow
def test_a_damaged_checkpoint_is_set_aside_and_the_campaign_rebuilt_from_its_files(toy: Path) -> None:
    assert run_toy(toy).returncode == 0
    campaign = toy.parent / "campaigns" / "story"
    papers = sorted(campaign.glob("studies/*/paper/paper.pdf"))
    (campaign / "checkpoint.sqlite").write_bytes(b"this is not a database" * 100)
    done = ratchet("resume", "story", "--studies", "2", cwd=toy.parent)
    assert done.returncode in (0, 6), done.stderr
    assert (campaign / "checkpoint.sqlite.damaged-1").exists()
    assert sorted(campaign.glob("studies/001*/paper/paper.pdf")) == papers
    assert sqlite3.connect(campaign / "checkpoint.sqlite").execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_a_budget_that_is_used_up_ends_with_4_and_a_larger_one_goes_on(toy: Path) -> None:
    done = run_toy(toy, "--max-trial-seconds", "0.2", "--json")
    assert done.returncode == 4
    assert "trial seconds used" in done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["event"], last["exit"]) == ("stopped", 4)
    assert "trial seconds used" in last["reason"]
    assert ratchet("resume", "story", "--max-trial-seconds", "1000", cwd=toy.parent).returncode == 0


@pytest.mark.slow
def test_a_study_that_uses_up_its_own_budget_is_concluded_and_the_campaign_goes_on(toy: Path) -> None:
    done = run_toy(toy, "--studies", "2", "--study-max-wall", "0.01")
    assert done.returncode == 6, done.stderr
    assert done.stdout.count("Its own budget is used up: ") >= 2
    outcomes = [
        json.loads(path.read_text()) for path in sorted(toy.parent.glob("campaigns/story/studies/*/outcome.json"))
    ]
    assert [outcome["conclusion"] for outcome in outcomes] == ["failed", "failed"]
    assert all(outcome["reason"].startswith("Its own budget is used up: ") for outcome in outcomes)
    assert ratchet("replay", "story", cwd=toy.parent).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_ends_with_7_and_with_space_the_same_campaign_goes_on(toy: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", disk], check=True)
    try:
        done = run_toy(toy, "--campaigns", str(disk))
        assert done.returncode == 3, done.stdout
        assert "free" in done.stderr
        subprocess.run(["mount", "-o", "remount,size=2g", disk], check=True)
        process = start_toy(toy, "--campaigns", str(disk))
        try:
            wait_for(process, "rehearse")
            subprocess.run(["mount", "-o", "remount,size=40m", disk], check=True)
            fill(disk / "ballast")
            _, errors = process.communicate(timeout=120)
        finally:
            process.kill()
            process.communicate()
        assert process.returncode == 7, errors
        assert "space" in errors
        (disk / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=2g", disk], check=True)
        resumed = ratchet("resume", "story", "--campaigns", str(disk), cwd=toy.parent)
        assert resumed.returncode == 0, resumed.stderr
    finally:
        subprocess.run(["umount", disk], check=True)


def test_nothing_is_overwritten(toy: Path) -> None:
    made = toy.parent / "campaigns" / "story"
    made.mkdir(parents=True)
    (made / "brief.toml").write_text('name = "story"\ntemplates = ["elsewhere"]\n')
    done = run_toy(toy)
    assert done.returncode == 2
    assert "ratchet resume story" in done.stderr
    assert (made / "brief.toml").read_text() == 'name = "story"\ntemplates = ["elsewhere"]\n'


def test_missing_tex_is_found_before_any_work_and_named_with_its_remedy(toy: Path, tmp_path: Path) -> None:
    env = path_without(tmp_path, "latexmk", "pdflatex")
    done = ratchet("run", str(toy), "--scale", "smoke", cwd=tmp_path, env=env)
    assert done.returncode == 3
    assert "latexmk, pdflatex not found" in done.stderr
    assert "sudo apt-get install" in done.stderr
    assert not (tmp_path / "campaigns").exists()


def test_a_missing_sandbox_is_found_before_any_work_and_named_with_its_remedy(toy: Path, tmp_path: Path) -> None:
    done = ratchet("run", str(toy), "--scale", "smoke", cwd=tmp_path, env=path_without(tmp_path, "bwrap"))
    assert done.returncode == 3
    assert "sudo apt-get install bubblewrap" in done.stderr
    assert not (tmp_path / "campaigns").exists()


def test_plain_processes_are_refused_without_consent(toy: Path) -> None:
    done = run_toy(toy, "--sandbox", "process")
    assert done.returncode in (2, 3)
    assert "--allow-unsafe-host" in done.stderr
    assert not (toy.parent / "campaigns").exists()


@pytest.mark.slow
def test_plain_processes_are_called_what_they_are_in_terminal_and_paper(toy: Path) -> None:
    done = run_toy(toy, "--sandbox", "process", "--allow-unsafe-host")
    assert done.returncode == 0, done.stderr
    assert "No isolation" in done.stderr
    drafts = (toy.parent / "campaigns" / "story" / "studies").glob("*/paper/paper.json")
    assert "without isolation" in next(drafts).read_text()


def test_an_unknown_template_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    done = ratchet("run", "minimum_entropy_copling", cwd=tmp_path)
    assert done.returncode == 2
    assert "minimum_entropy_coupling" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_template_is_answered_with_every_fault_at_once(toy: Path) -> None:
    text = (toy / "template.toml").read_text()
    broken = text.replace('better = "lower"', 'better = "smaller"').replace("low = 0.001", 'low = "tiny"')
    (toy / "template.toml").write_text(broken.replace('unit = "decades"', 'units = "decades"', 1))
    (toy / "README.md").unlink()
    done = run_toy(toy)
    assert done.returncode == 2
    for fault in ("metric.better", "knobs", "metric.units", "README.md"):
        assert fault in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_what_to_do_next_names_the_folder_that_was_given(toy: Path) -> None:
    elsewhere = toy.parent / "else where"
    done = run_toy(toy, "--campaigns", str(elsewhere), "--max-trial-seconds", "0.001")
    assert done.returncode == 4
    assert f"ratchet resume story --campaigns '{elsewhere}'" in done.stderr


def test_two_templates_of_one_name_are_refused(toy: Path) -> None:
    other = scaffold.new("toy", toy.parent / "other")
    done = ratchet("run", str(toy), str(other), "--scale", "smoke", cwd=toy.parent)
    assert done.returncode == 2
    assert str(other) in done.stderr


def test_a_check_without_a_sandbox_says_what_to_install(toy: Path, tmp_path: Path) -> None:
    done = ratchet("template", "check", str(toy), cwd=tmp_path, env=path_without(tmp_path, "bwrap"))
    assert done.returncode == 3
    assert "sudo apt-get install bubblewrap" in done.stderr


def test_a_damaged_record_is_a_sentence_that_names_the_file(toy: Path) -> None:
    made = toy.parent / "campaigns" / "story"
    study = made / "studies" / "001-some-idea"
    study.mkdir(parents=True)
    (made / "brief.toml").write_text('name = "story"\ntemplates = ["toy"]\n')
    (study / "idea.json").write_text('{"slug": 7')
    done = ratchet("show", "story", cwd=toy.parent)
    assert done.returncode == 2
    assert "001-some-idea/idea.json is no Idea record" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_campaign_is_a_sentence(tmp_path: Path) -> None:
    done = ratchet("show", "nothing", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("There is no campaign 'nothing'")


def test_faulty_options_are_sentences(toy: Path) -> None:
    done = run_toy(toy, "--scale", "huge")
    assert done.returncode == 2
    assert "--scale" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", RATCHET, "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    heavy = ("langgraph", "numpy", "scipy", "matplotlib", "pydantic", "rich", "httpx")
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert imported.isdisjoint(heavy)


def test_the_list_tells_how_far_campaigns_are(toy: Path) -> None:
    campaigns = toy.parent / "campaigns"
    (campaigns / "one").mkdir(parents=True)
    (campaigns / "one" / "brief.toml").write_text('name = "one"\ntemplates = ["toy"]\nstudies = 3\n')
    rows = ratchet("list", "--json", cwd=toy.parent).stdout.splitlines()
    assert [json.loads(row)["studies"] for row in rows] == ["0 of 3"]


def test_a_started_campaign_is_seen_to_run(toy: Path) -> None:
    process = start_toy(toy)
    wait_for(process, "propose")
    row = json.loads(ratchet("list", "--json", cwd=toy.parent).stdout)
    process.kill()
    process.communicate()
    time.sleep(0.1)
    later = json.loads(ratchet("list", "--json", cwd=toy.parent).stdout)
    assert (row["state"], later["state"]) == ("running", "unfinished")


@pytest.mark.slow
def test_sigterm_stops_cleanly_with_7(toy: Path) -> None:
    process = start_toy(toy)
    wait_for(process, "experiment")
    process.terminate()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 7, errors
    assert "ratchet resume story" in errors


@pytest.mark.slow
def test_a_run_whose_output_nobody_reads_stops_with_7(toy: Path) -> None:
    process = start_toy(toy)
    wait_for(process, "propose")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        errors = process.stderr.read()
    assert process.wait(timeout=120) == 7, errors
    assert "ratchet resume story" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_a_second_ctrl_c_stops_at_once_and_loses_nothing_finished(toy: Path) -> None:
    code = (toy / "experiment.py").read_text()
    (toy / "experiment.py").write_text(code.replace("    problem =", "    import time; time.sleep(15)\n    problem ="))
    process = start_toy(toy)
    wait_for(process, "rehearse")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - begun < 5
    assert process.returncode == 130, errors
    assert "trial_started" in ratchet("show", "story", cwd=toy.parent).stdout


def made(toy: Path, name: str = "one", text: str | bytes = 'templates = ["toy"]\n') -> Path:
    folder = toy.parent / "campaigns" / name
    folder.mkdir(parents=True)
    content = text if isinstance(text, bytes) else f'name = "{name}"\n{text}'.encode()
    (folder / "brief.toml").write_bytes(content)
    return folder


def test_a_broken_campaign_hides_no_other_from_the_list(toy: Path) -> None:
    made(toy, "good")
    made(toy, "misspelt", 'templates = ["toy"]\nstudys = 3\n')
    made(toy, "latin", b'name = "latin"\ntemplates = ["caf\xe9"]\n')
    (made(toy, "torn") / "ledger.jsonl").write_text("garbage\n")
    done = ratchet("list", "--json", cwd=toy.parent)
    assert done.returncode == 0, done.stderr
    states = {row["name"]: row["state"] for row in map(json.loads, done.stdout.splitlines())}
    assert states["good"] == "unfinished"
    assert "studys" in states["misspelt"]
    assert "UTF-8" in states["latin"]
    assert "line 1" in states["torn"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("resume", "one", "--max-wall", "0"), "--max-wall"),
        (("resume", "one", "--max-usd", "nan"), "--max-usd"),
        (("resume", "one", "--studies", "0"), "--studies"),
        (("run", "toy", "--name", "a/b"), "--name: Give at most 64 lower case letters"),
        (("run", "toy", "--workers", "0"), "--workers"),
        (("run", "toy", "--max-trial-seconds", "-1"), "--max-trial-seconds"),
        (("run", "toy", "--name", "one", "--resume", "--scale", "smoke"), "scale cpu"),
        (("run", "toy", "--campaigns", "toy/template.toml"), "cannot be used"),
        (("show", "one", "7"), "no study 7"),
        (("show", "o/n/e"), "There is no campaign"),
        (("template", "new", "Bad-Name"), "step_sizes"),
        (("template", "check", "toy", "--scale", "huge"), "huge"),
    ],
    ids=" ".join,
)
def test_bad_input_is_a_sentence_and_2_and_leaves_standard_output_empty(
    toy: Path, words: tuple[str, ...], told: str
) -> None:
    brief = (made(toy) / "brief.toml").read_text()
    done = ratchet(*words, cwd=toy.parent)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert (toy.parent / "campaigns" / "one" / "brief.toml").read_text() == brief


@pytest.mark.slow
def test_a_template_may_be_given_as_the_folder_one_is_in(toy: Path) -> None:
    done = ratchet("run", ".", "--scale", "smoke", "--max-trial-seconds", "0.001", "--campaigns", "../c", cwd=toy)
    assert done.returncode == 4, done.stderr
    assert (toy.parent / "c" / "toy" / "brief.toml").exists()
    again = ("run", ".", "--scale", "smoke", "--campaigns", "../c", "--resume", "--max-trial-seconds")
    assert ratchet(*again, "0.002", cwd=toy).returncode == 4
    brief = toy.parent / "c" / "toy" / "brief.toml"
    brief.write_text("# kept\n" + brief.read_text())
    assert ratchet(*again, "0.002", cwd=toy).returncode == 4
    assert brief.read_text().startswith("# kept\n")
