from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sandboxes.admission import admit, environment
from sandboxes.job import Mount

from .conftest import MakeJob


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "GITHUB_TOKEN", "my_secret_thing", "DB_PASSWORD", "LD_PRELOAD"])
def test_a_variable_named_like_a_secret_is_refused(make_job: MakeJob, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        admit(make_job("true", environment={name: "x"}))


def test_other_variables_are_passed(make_job: MakeJob) -> None:
    job = make_job("true", environment={"SEED": "3", "PYTHONHASHSEED": "7"})
    admit(job)
    assert environment(job)["SEED"] == "3"
    assert environment(job)["PYTHONHASHSEED"] == "7"


def test_threads_are_capped_at_the_cores_of_the_job(make_job: MakeJob) -> None:
    assert environment(make_job("true", cores=0.5))["OMP_NUM_THREADS"] == "1"
    assert environment(make_job("true", cores=3.0))["OPENBLAS_NUM_THREADS"] == "3"


@pytest.mark.parametrize(
    "source", ["/", "/etc", "/etc/hostname", "/proc", "/proc/self", "/sys", "/dev", "/run", "/var"]
)
def test_a_mount_of_what_a_sandbox_hides_is_refused(make_job: MakeJob, source: str) -> None:
    with pytest.raises(ValueError, match="hides"):
        admit(make_job("true", mounts=(Mount(source=Path(source), target="/data"),)))


def test_the_home_is_refused_and_so_is_all_above_it(make_job: MakeJob) -> None:
    for source in (Path.home(), Path.home().parent):
        with pytest.raises(ValueError, match="hides"):
            admit(make_job("true", mounts=(Mount(source=source, target="/data"),)))


def test_a_link_to_a_hidden_place_is_seen_through(make_job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "innocent").symlink_to("/etc")
    with pytest.raises(ValueError, match="hides"):
        admit(make_job("true", mounts=(Mount(source=tmp_path / "innocent", target="/data"),)))


def test_a_socket_or_a_missing_source_is_refused(make_job: MakeJob, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "engine.sock"))
        with pytest.raises(ValueError, match="neither a file nor a folder"):
            admit(make_job("true", mounts=(Mount(source=tmp_path / "engine.sock", target="/data"),)))
    with pytest.raises(ValueError, match="does not exist"):
        admit(make_job("true", mounts=(Mount(source=tmp_path / "absent", target="/data"),)))


@pytest.mark.parametrize("target", ["/job", "/usr", "/usr/lib/x", "/proc/x", "/etc", "/a/../usr", "/a//b", "/lib64"])
def test_a_mount_over_what_the_inside_needs_is_refused(make_job: MakeJob, tmp_path: Path, target: str) -> None:
    with pytest.raises(ValueError, match="mounts at"):
        admit(make_job("true", mounts=(Mount(source=tmp_path, target=target),)))


@pytest.mark.parametrize("target", ["/harness", "/job/data", "/given/a/b"])
def test_a_mount_at_a_place_of_its_own_is_admitted(make_job: MakeJob, tmp_path: Path, target: str) -> None:
    admit(make_job("true", mounts=(Mount(source=tmp_path, target=target),)))


def test_files_from_what_is_no_folder_are_refused(make_job: MakeJob, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a folder"):
        admit(make_job("true", files=tmp_path / "absent"))


def test_the_host_s_variables_are_never_inherited(make_job: MakeJob) -> None:
    given = environment(make_job("true"))
    assert {name for name in given if given[name] == os.environ.get(name)} <= {"LANG", "PATH", "TMPDIR"} | {
        name for name in given if name.startswith(("PYTHON", "OMP", "OPENBLAS", "MKL", "NUMEXPR"))
    }
