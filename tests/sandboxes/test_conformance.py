from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandboxes import conformance
from sandboxes.bubblewrap import Bubblewrap
from sandboxes.conformance import Finding
from sandboxes.job import Job, Level, Outcome
from sandboxes.process import Process
from sandboxes.scripted import Scripted


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    return {finding.name: finding for finding in conformance.run(Bubblewrap())}


@pytest.mark.parametrize("name", [abuse.name for abuse in conformance.ABUSES])
def test_bubblewrap_contains(findings: dict[str, Finding], name: str) -> None:
    assert findings[name].contained, findings[name].seen


PLAIN_MISSES = {
    *("environment of the host", "sockets of engines", "TCP to the host", "UDP to the host"),
    *("abstract socket of the host", "keys", "editing a mount", "writing outside /job", "other processes"),
    *("AF_NETLINK", "tracing its own", "user namespaces", "rare system calls", "forks"),
}
PLAIN_HOLDS = {"daemon", "endless output", "deaf to signals", "memory bomb in parts", "planted links", "deep JSON"}


@pytest.fixture(scope="module")
def plain() -> dict[str, Finding]:
    sandbox = Process(allow_unsafe_host=True)
    return {finding.name: finding for finding in conformance.run(sandbox, frozenset(PLAIN_MISSES | PLAIN_HOLDS))}


@pytest.mark.parametrize("name", sorted(PLAIN_MISSES))
def test_plain_processes_do_not_contain(plain: dict[str, Finding], name: str) -> None:
    assert not plain[name].contained
    assert "ESCAPED" in plain[name].seen or "secret" in plain[name].seen


@pytest.mark.parametrize("name", sorted(PLAIN_HOLDS))
def test_even_plain_processes_contain(plain: dict[str, Finding], name: str) -> None:
    assert plain[name].contained, plain[name].seen


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could open them")
@pytest.mark.parametrize("name", ["kernel settings", "control groups", "AF_PACKET"])
def test_a_job_that_is_still_root_outside_is_found_out(name: str) -> None:
    (finding,) = conformance.run(Process(allow_unsafe_host=True), frozenset({name}))
    assert "ESCAPED" in finding.seen


class Loose:
    """A sandbox that forgets its limits."""

    level = Level.process

    def run(self, job: Job) -> Outcome:
        more = {"memory_bytes": 2 << 30, "cpu_seconds": 60.0, "output_bytes": 2 << 30, "work_bytes": 64 << 30}
        loose = job.model_copy(update={"limits": job.limits.model_copy(update=more)})
        return Process(allow_unsafe_host=True).run(loose)


@pytest.mark.parametrize("name", ["memory bomb", "memory bomb in parts", "busy in parts", "disk fill of /job"])
def test_a_sandbox_without_limits_is_found_out(name: str) -> None:
    (finding,) = conformance.run(Loose(), frozenset({name}))
    assert not finding.contained
    assert "ESCAPED" in finding.seen


def test_a_sandbox_without_an_output_cap_is_found_out() -> None:
    (finding,) = conformance.run(Loose(), frozenset({"endless output"}))
    assert not finding.contained
    assert "'stdout.txt' has" in finding.seen


def host_facts(job: Job) -> dict[str, Any]:
    assert job.files is not None
    facts: dict[str, Any] = json.loads((job.files / "host.json").read_text())
    return facts


def test_a_sandbox_that_follows_planted_links_is_found_out() -> None:
    def act(job: Job) -> None:
        (job.outputs / "measurements.jsonl").write_text(Path(host_facts(job)["keys"][0]).read_text())

    (finding,) = conformance.run(Scripted(act), frozenset({"planted links"}))
    assert finding.seen == "the secret is in 'measurements.jsonl'"


def test_a_sandbox_that_copies_links_as_links_is_found_out() -> None:
    def act(job: Job) -> None:
        (job.outputs / "measurements.jsonl").symlink_to("/etc/passwd")

    (finding,) = conformance.run(Scripted(act), frozenset({"planted links"}))
    assert finding.seen == "'measurements.jsonl' is no plain file"


def test_a_sandbox_that_leaves_a_daemon_is_found_out() -> None:
    daemons = []

    def act(job: Job) -> None:
        daemons.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)", job.argv[2]]))

    (finding,) = conformance.run(Scripted(act), frozenset({"daemon"}))
    for daemon in daemons:
        daemon.kill()
        daemon.wait()
    assert finding.seen == f"process {daemons[0].pid} outlived the job"


def test_a_sandbox_that_lets_a_mount_be_edited_is_found_out() -> None:
    def act(job: Job) -> None:
        (job.mounts[0].source / "harness.py").write_text("tampered")

    (finding,) = conformance.run(Scripted(act), frozenset({"editing a mount"}))
    assert finding.seen == "the mounted harness was changed on the host"


def test_a_reader_that_takes_any_json_is_found_out() -> None:
    def act(job: Job) -> None:
        (job.outputs / "measurements.jsonl").write_text('{"score": 1.0}')

    (finding,) = conformance.run(Scripted(act), frozenset({"deep JSON"}))
    assert finding.seen == "the reader took its results"


def test_a_job_that_ends_in_an_unexpected_way_is_found_out() -> None:
    (finding,) = conformance.run(Scripted(lambda _: None), frozenset({"memory bomb"}))
    assert not finding.contained
    assert finding.seen.startswith("it finished")
