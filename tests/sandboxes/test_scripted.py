from __future__ import annotations

from pathlib import Path

import pytest

from sandboxes.job import Ending, Job, Mount
from sandboxes.scripted import FINISHED, Scripted

from .conftest import MakeJob


def test_the_function_leaves_the_results(make_job: MakeJob) -> None:
    def act(job: Job) -> None:
        (job.outputs / "score").write_text("1")

    sandbox = Scripted(act)
    job = make_job("anything")
    assert sandbox.run(job).ending is Ending.finished
    assert (job.outputs / "score").read_text() == "1"
    assert (job.logs / "stdout.txt").read_text() == ""
    assert sandbox.jobs == [job]


def test_the_function_may_say_how_the_job_ended(make_job: MakeJob) -> None:
    crashed = FINISHED.model_copy(update={"ending": Ending.crashed, "exit_code": 1})
    assert Scripted(lambda _: crashed).run(make_job("anything")) == crashed


def test_a_job_that_no_sandbox_runs_is_refused_here_too(make_job: MakeJob) -> None:
    acted: list[Job] = []
    job = make_job("anything", mounts=(Mount(source=Path("/etc"), target="/settings"),))
    with pytest.raises(ValueError, match="hides"):
        Scripted(acted.append).run(job)
    assert acted == []
