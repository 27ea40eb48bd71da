from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandboxes.bubblewrap import Bubblewrap
from sandboxes.job import Ending, Job, Level, Mount, Runtime

from .conftest import MakeJob


@pytest.fixture(scope="module")
def sandbox() -> Bubblewrap:
    return Bubblewrap()


def stdout(job: Job) -> str:
    return (job.logs / "stdout.txt").read_text()


def stderr(job: Job) -> str:
    return (job.logs / "stderr.txt").read_text()


def is_running(token: str) -> bool:
    return any(token.encode() in read_quietly(folder / "cmdline") for folder in Path("/proc").glob("[0-9]*"))


def read_quietly(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_command_that_exits_with_zero_has_finished(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("python", "-c", "import sys; print('hello'); print('oops', file=sys.stderr)")
    outcome = sandbox.run(job)
    assert (outcome.ending, outcome.exit_code) == (Ending.finished, 0)
    assert (stdout(job), stderr(job)) == ("hello\n", "oops\n")
    assert outcome.level is Level.namespace
    assert outcome.backend.startswith("bubblewrap, ")


def test_a_command_that_exits_with_another_code_has_crashed(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    outcome = sandbox.run(make_job("python", "-c", "raise SystemExit(7)"))
    assert (outcome.ending, outcome.exit_code) == (Ending.crashed, 7)


def test_a_command_that_dies_of_its_own_signal_has_crashed(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    outcome = sandbox.run(make_job("python", "-c", "import os; os.abort()"))
    assert (outcome.ending, outcome.exit_code) == (Ending.crashed, 128 + signal.SIGABRT)


def test_a_command_that_does_not_exist_has_crashed_and_says_so(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("no-such-command")
    outcome = sandbox.run(job)
    assert (outcome.ending, outcome.exit_code) == (Ending.crashed, 127)
    assert "no-such-command" in stderr(job)


def test_wall_time_ends_a_job_that_sleeps(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    outcome = sandbox.run(make_job("sleep", "30", wall_seconds=0.5))
    assert (outcome.ending, outcome.exit_code) == (Ending.timed_out, None)
    assert 0.5 <= outcome.wall_seconds < 2


def test_cpu_time_ends_a_job_that_is_busy(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    outcome = sandbox.run(make_job("python", "-c", "while True: pass", cpu_seconds=0.5))
    assert outcome.ending is Ending.timed_out
    assert outcome.cpu_seconds is not None
    assert 0.5 <= outcome.cpu_seconds < 2


def test_what_a_job_used_is_measured(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    program = (
        "import time; held = b'x' * (100 << 20); end = time.process_time() + 0.4\nwhile time.process_time() < end: 0"
    )
    outcome = sandbox.run(make_job("python", "-c", program))
    assert outcome.ending is Ending.finished
    assert outcome.cpu_seconds is not None
    assert outcome.peak_memory_bytes is not None
    assert 0.4 <= outcome.cpu_seconds < 2
    assert 100 << 20 <= outcome.peak_memory_bytes < 200 << 20


def test_cpu_of_children_that_are_gone_is_counted(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    busy = "import time\nwhile time.process_time() < 0.3: 0"
    program = f"import subprocess, sys\nfor _ in range(2): subprocess.run([sys.executable, '-c', {busy!r}])"
    outcome = sandbox.run(make_job("python", "-c", program))
    assert outcome.cpu_seconds is not None
    assert outcome.cpu_seconds >= 0.6


def test_output_is_kept_up_to_its_cap(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("python", "-c", "print('x' * 100_000)", output_bytes=1000)
    outcome = sandbox.run(job)
    assert outcome.ending is Ending.too_much_output
    assert stdout(job) == "x" * 1000


def test_too_much_output_is_found_out_in_a_job_s_last_words_too(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    for _ in range(10):
        outcome = sandbox.run(make_job("head", "-c", "30000", "/dev/zero", output_bytes=1000))
        assert (outcome.ending, outcome.exit_code) == (Ending.too_much_output, None)


def test_a_job_beyond_its_memory_has_no_exit_code(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    program = "held = []\nwhile True: held.append(b'x' * (4 << 20))"
    outcome = sandbox.run(make_job("python", "-c", program, memory_bytes=100 << 20))
    assert (outcome.ending, outcome.exit_code) == (Ending.out_of_memory, None)


def test_a_gigabyte_of_output_is_stopped_quickly(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    outcome = sandbox.run(make_job("head", "-c", "1G", "/dev/zero", output_bytes=1 << 20))
    assert outcome.ending is Ending.too_much_output
    assert outcome.wall_seconds < 2


def test_a_job_that_somebody_else_kills_was_killed(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("sleep", "31.4159")
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(sandbox.run, job)
        assert wait_until((job.logs / "stdout.txt").exists)
        kill_first_process("31.4159")
        assert (outcome.result().ending, outcome.result().exit_code) == (Ending.killed, None)


def kill_first_process(token: str) -> None:
    """Kill the shell that is process 1 of the sandbox, from outside."""
    for folder in Path("/proc").glob("[0-9]*"):
        arguments = read_quietly(folder / "cmdline").split(b"\0")
        if arguments[0] == b"/bin/sh" and token.encode() in arguments:
            os.kill(int(folder.name), signal.SIGKILL)


def test_work_starts_empty_but_for_out_and_the_given_files(
    sandbox: Bubblewrap, make_job: MakeJob, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    (files / "package").mkdir(parents=True)
    (files / "main.py").write_text("import os, package.part; print(sorted(os.listdir('.')), package.part.answer)")
    (files / "package" / "part.py").write_text("answer = 42")
    (files / "link").symlink_to("/etc/passwd")
    job = make_job("python", "main.py", files=files)
    assert sandbox.run(job).ending is Ending.finished
    assert stdout(job) == "['main.py', 'out', 'package'] 42\n"
    bare = make_job("ls", "-A", "/job")
    sandbox.run(bare)
    assert stdout(bare) == "out\n"


def test_the_job_may_change_its_own_copy_of_the_files(sandbox: Bubblewrap, make_job: MakeJob, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "data").write_text("before")
    job = make_job("sh", "-c", "echo after > data && rm data && echo done", files=files)
    sandbox.run(job)
    assert stdout(job) == "done\n"
    assert (files / "data").read_text() == "before"


def test_files_that_do_not_fit_are_an_error_that_names_the_size(
    sandbox: Bubblewrap, make_job: MakeJob, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "big").write_bytes(bytes(2 << 20))
    with pytest.raises(ValueError, match=f"{1 << 20} bytes of /job"):
        sandbox.run(make_job("true", files=files, work_bytes=1 << 20))


def test_results_come_out_with_their_folders(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("sh", "-c", "mkdir out/figures; echo 1 > out/a.csv; echo 2 > out/figures/b.csv; echo 3 > c.csv")
    outcome = sandbox.run(job)
    assert {str(path.relative_to(job.outputs)) for path in job.outputs.rglob("*.csv")} == {"a.csv", "figures/b.csv"}
    assert (job.outputs / "figures" / "b.csv").read_text() == "2\n"
    assert outcome.refused == ()


def test_results_of_a_job_that_was_ended_come_out_too(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("sh", "-c", "echo partial > out/log; sleep 30", wall_seconds=0.5)
    assert sandbox.run(job).ending is Ending.timed_out
    assert (job.outputs / "log").read_text() == "partial\n"


def test_a_planted_link_is_left_behind_and_reported(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("ln", "-s", "/etc/passwd", "out/results")
    assert sandbox.run(job).refused == ("'out/results': is a symbolic link",)
    assert list(job.outputs.iterdir()) == []


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed to others"])
def test_mounted_folders_and_files_can_be_read_and_not_written(
    sandbox: Bubblewrap, make_job: MakeJob, tmp_path: Path, *, closed: bool
) -> None:
    folder, file = tmp_path / "harness", tmp_path / "data.csv"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "score.py").write_text("score")
    file.write_text("data")
    if closed:
        folder.chmod(0o700)
        file.chmod(0o600)
    script = "cat /harness/inner/score.py /given/data.csv; echo x > /harness/new; echo x >> /given/data.csv"
    mounts = (Mount(source=folder, target="/harness"), Mount(source=file, target="/given/data.csv"))
    job = make_job("sh", "-c", script, mounts=mounts)
    assert sandbox.run(job).ending is Ending.crashed
    assert stdout(job) == "scoredata"
    assert len(stderr(job).splitlines()) == 2
    assert file.read_text() == "data"
    assert [path.name for path in folder.iterdir()] == ["inner"]


def test_a_job_sees_no_variable_of_the_host(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("python", "-c", "import os; print(*sorted(os.environ))", environment={"STAGE": "pilot"})
    sandbox.run(job)
    seen = set(stdout(job).split())
    assert seen - {"PWD"} == {
        *("PATH", "HOME", "TMPDIR", "LANG", "STAGE", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONUNBUFFERED"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    }


def test_python_is_the_interpreter_that_runs_ratchet(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("python", "-c", "import sys, numpy, pydantic; print(sys.prefix, numpy.__version__)")
    assert sandbox.run(job).ending is Ending.finished
    assert stdout(job).split()[0] == sys.prefix


def test_threads_and_subprocesses_work_under_the_filter(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    program = """
import numpy, subprocess, threading, multiprocessing
with multiprocessing.get_context("spawn").Pool(2) as pool: print(pool.map(abs, [-1, -2]))
thread = threading.Thread(target=print, args=("thread",)); thread.start(); thread.join()
print(subprocess.check_output(["echo", "child"], text=True), numpy.ones((64, 64)).dot(numpy.ones((64, 64)))[0, 0])
"""
    job = make_job("python", "-c", program)
    assert sandbox.run(job).ending is Ending.finished, stderr(job)
    assert stdout(job).split() == ["[1,", "2]", "thread", "child", "64.0"]


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="TeX is not installed")
def test_latexmk_makes_a_pdf_inside(sandbox: Bubblewrap, make_job: MakeJob, tmp_path: Path) -> None:
    files = tmp_path / "paper"
    files.mkdir()
    (files / "paper.tex").write_text(
        r"\documentclass{article}\begin{document}Words \cite{k}, $x^2$."
        r"\bibliographystyle{plain}\bibliography{refs}\end{document}"
    )
    (files / "refs.bib").write_text("@misc{k, title={A title}, author={A. Person}, year={2020}}")
    command = ("latexmk", "-norc", "-pdf", "-interaction=nonstopmode", "-no-shell-escape", "-outdir=out", "paper.tex")
    job = make_job(
        *command, runtime=Runtime.tex, files=files, environment={"openin_any": "p", "openout_any": "p"}, cpu_seconds=60
    )
    outcome = sandbox.run(job)
    assert outcome.ending is Ending.finished, stdout(job)[-2000:]
    assert (job.outputs / "paper.pdf").read_bytes().startswith(b"%PDF")


def test_jobs_run_side_by_side(sandbox: Bubblewrap, make_job: MakeJob, tmp_path: Path) -> None:
    jobs = [
        make_job("sh", "-c", f"sleep 0.2; echo {n} > out/n").model_copy(
            update={"outputs": tmp_path / f"out{n}", "logs": tmp_path / f"logs{n}"}
        )
        for n in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(sandbox.run, jobs))
    assert {outcome.ending for outcome in outcomes} == {Ending.finished}
    assert [(job.outputs / "n").read_text() for job in jobs] == [f"{n}\n" for n in range(8)]


def test_a_refused_job_never_starts(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("true", mounts=(Mount(source=Path("/etc"), target="/settings"),))
    with pytest.raises(ValueError, match="holds what a sandbox hides"):
        sandbox.run(job)
    assert not job.logs.exists()


def test_no_descriptor_or_process_is_left_on_the_host(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    sandbox.run(make_job("true"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        sandbox.run(make_job("sh", "-c", "sleep 27.1828 & exit 3"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not is_running("27.1828")


ORCHESTRATOR = """
import sys
from pathlib import Path
from sandboxes.bubblewrap import Bubblewrap
from sandboxes.job import Job, Limits
limits = Limits(
    wall_seconds=60, cpu_seconds=60, memory_bytes=1 << 28, work_bytes=1 << 20, output_bytes=1 << 16, processes=16
)
script = "trap '' TERM INT HUP; (setsid sleep {token} &) ; echo up; sleep {token}"
folder = Path(sys.argv[1])
try:
    Bubblewrap().run(Job(argv=("sh", "-c", script), runtime="tex", limits=limits, outputs=folder / "out", logs=folder))
except KeyboardInterrupt:
    print("interrupted")
"""


def orchestrator(token: str, logs: Path) -> subprocess.Popen[str]:
    """Start a process that runs a long job with a daemon in it, and wait until that runs."""
    program = ORCHESTRATOR.replace("{token}", token)
    process = subprocess.Popen([sys.executable, "-c", program, str(logs)], stdout=subprocess.PIPE, text=True)
    assert wait_until(lambda: read_quietly(logs / "stdout.txt") == b"up\n" or process.poll() is not None, 10)
    assert wait_until(lambda: is_running(token))
    return process


def test_an_interrupt_kills_the_tree_and_goes_on(tmp_path: Path) -> None:
    with orchestrator("16.1803", tmp_path) as process:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10)[0] == "interrupted\n"
    assert not is_running("16.1803")


def test_the_tree_dies_with_an_orchestrator_that_is_killed(tmp_path: Path) -> None:
    with orchestrator("14.1421", tmp_path) as process:
        process.kill()
    assert wait_until(lambda: not is_running("14.1421"))


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's job is nobody else")
def test_no_process_of_the_job_is_root_outside(sandbox: Bubblewrap, make_job: MakeJob) -> None:
    job = make_job("python", "-c", "import os; print(os.getresuid(), os.getgroups()); open('/proc/1/status').read()")
    sandbox.run(job)
    uid = int(stdout(job).split(",")[0].strip("("))
    assert stdout(job) == f"({uid}, {uid}, {uid}) []\n"
    assert uid != 0


def test_a_missing_program_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    program = "from sandboxes.bubblewrap import Bubblewrap\nBubblewrap()"
    script = subprocess.run(
        [sys.executable, "-c", program], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert "SandboxUnavailableError" in script.stderr
    assert "sudo apt-get install bubblewrap" in script.stderr


def test_a_sandbox_that_does_not_come_up_is_not_the_job_s_fault(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: Creating new namespace failed' >&2; exit 1\n")
    broken.chmod(0o755)
    program = "from sandboxes.choose import choose\nchoose()"
    script = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SandboxUnavailableError: Bubblewrap could not start (bwrap: Creating new namespace failed)" in script.stderr
