from __future__ import annotations

import signal
from pathlib import Path

import pytest

from sandboxes.job import Ending, Level, Mount
from sandboxes.process import Process

from .conftest import MakeJob


@pytest.fixture(scope="module")
def sandbox() -> Process:
    return Process(allow_unsafe_host=True)


def test_it_refuses_to_exist_without_consent() -> None:
    with pytest.raises(ValueError, match="--allow-unsafe-host"):
        Process()


def test_it_says_what_it_does_not_protect(sandbox: Process, make_job: MakeJob) -> None:
    outcome = sandbox.run(make_job("true"))
    assert outcome.level is Level.process
    assert "unsafe" in outcome.backend


@pytest.mark.parametrize(
    ("program", "ending", "code"),
    [
        ("pass", Ending.finished, 0),
        ("raise SystemExit(5)", Ending.crashed, 5),
        ("import os; os.abort()", Ending.crashed, 128 + signal.SIGABRT),
    ],
)
def test_endings_are_told_apart(sandbox: Process, make_job: MakeJob, program: str, ending: Ending, code: int) -> None:
    outcome = sandbox.run(make_job("python", "-c", program))
    assert (outcome.ending, outcome.exit_code) == (ending, code)


def test_wall_time_ends_a_job_and_all_its_processes(sandbox: Process, make_job: MakeJob) -> None:
    outcome = sandbox.run(make_job("sh", "-c", "setsid sleep 22.3606 & sleep 22.3606", wall_seconds=0.5))
    assert (outcome.ending, outcome.exit_code) == (Ending.timed_out, None)
    assert not any("22.3606" in path.read_text() for path in command_lines())


def test_output_is_capped_however_the_end_of_the_job_falls(sandbox: Process, make_job: MakeJob) -> None:
    for _ in range(10):  # the job ends at about the time that it is found out
        job = make_job("head", "-c", "100000", "/dev/zero", output_bytes=1000)
        assert sandbox.run(job).ending is Ending.too_much_output
        assert (job.logs / "stdout.txt").stat().st_size == 1000


def command_lines() -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]


def test_a_daemon_that_outlives_its_parent_is_killed(sandbox: Process, make_job: MakeJob) -> None:
    assert sandbox.run(make_job("sh", "-c", "(setsid sleep 26.4575 &); exit 0")).ending is Ending.finished
    assert not any("26.4575" in path.read_text() for path in command_lines())


def test_work_and_mounts_are_found_by_their_names_in_arguments(
    sandbox: Process, make_job: MakeJob, tmp_path: Path
) -> None:
    harness, files = tmp_path / "harness", tmp_path / "files"
    harness.mkdir()
    files.mkdir()
    (harness / "score.py").write_text("import sys; open(sys.argv[1], 'w').write(open('given').read())")
    (files / "given").write_text("7")
    mounts = (Mount(source=harness, target="/harness"),)
    job = make_job("python", "/harness/score.py", "/job/out/score", mounts=mounts, files=files)
    assert sandbox.run(job).ending is Ending.finished
    assert (job.outputs / "score").read_text() == "7"


def test_planted_links_are_refused_here_too(sandbox: Process, make_job: MakeJob) -> None:
    job = make_job("ln", "-s", "/etc/passwd", "out/results")
    assert sandbox.run(job).refused == ("'out/results': is a symbolic link",)


def test_a_command_that_does_not_exist_has_crashed(sandbox: Process, make_job: MakeJob) -> None:
    job = make_job("no-such-command")
    assert sandbox.run(job).exit_code == 127
    assert "no-such-command" in (job.logs / "stderr.txt").read_text()
