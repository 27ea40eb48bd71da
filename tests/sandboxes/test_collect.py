from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.collect import Collection, ResultFileError, read_json_lines


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "out"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def work(out: Path) -> Iterator[int]:
    descriptor = os.open(out.parent, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def test_plain_files_are_copied_with_their_folders(out: Path, work: int, tmp_path: Path) -> None:
    (out / "a" / "b").mkdir(parents=True)
    (out / "a" / "b" / "c.txt").write_text("deep")
    (out / "top.json").write_text("{}")
    collection = Collection(1000)
    collection.take(work, "out", tmp_path / "taken")
    assert (tmp_path / "taken" / "a" / "b" / "c.txt").read_text() == "deep"
    assert (tmp_path / "taken" / "top.json").read_text() == "{}"
    assert collection.refused == []


def test_a_second_collection_replaces_the_first(out: Path, work: int, tmp_path: Path) -> None:
    for text in ("a long first text", "second"):
        (out / "x").write_text(text)
        Collection(1000).take(work, "out", tmp_path / "taken")
    assert (tmp_path / "taken" / "x").read_text() == "second"


def test_links_pipes_and_sockets_are_refused_by_kind(out: Path, work: int, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (out / "file-link").symlink_to(tmp_path / "secret")
    (out / "folder-link").symlink_to(tmp_path)
    os.mkfifo(out / "pipe")
    (tmp_path / "real").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(out / "socket"))
    os.link(tmp_path / "secret", out / "hard")
    collection = Collection(1000)
    collection.take(work, "out", tmp_path / "taken")
    assert sorted(collection.refused) == [
        "'out/file-link': is a symbolic link",
        "'out/folder-link': is a symbolic link",
        "'out/hard': has another name (a hard link)",
        "'out/pipe': is a named pipe",
        "'out/socket': is a socket",
    ]
    assert list((tmp_path / "taken").iterdir()) == []


def test_a_result_folder_that_is_a_link_is_refused(out: Path, work: int, tmp_path: Path) -> None:
    out.rmdir()
    out.symlink_to("/usr")
    collection = Collection(1000)
    collection.take(work, "out", tmp_path / "taken")
    assert list((tmp_path / "taken").iterdir()) == []
    assert collection.refused[0].startswith("'out': cannot be opened without following it")


def test_a_sparse_giant_is_refused_by_its_stated_size(out: Path, work: int, tmp_path: Path) -> None:
    with (out / "giant").open("wb") as file:
        file.truncate(10 << 30)
    collection = Collection(1 << 20)
    collection.take(work, "out", tmp_path / "taken")
    assert collection.refused == [f"'out/giant': has {10 << 30} bytes, more than the {1 << 20} still allowed"]


def test_the_cap_is_on_all_files_together(out: Path, work: int, tmp_path: Path) -> None:
    for name in "abc":
        (out / name).write_bytes(bytes(400))
    collection = Collection(1000)
    collection.take(work, "out", tmp_path / "taken")
    assert sum(path.stat().st_size for path in (tmp_path / "taken").iterdir()) == 800
    assert len(collection.refused) == 1


@pytest.mark.parametrize("name", [b"-rf", b".hidden", b"a b", b"a\nb", b"\xff", b"$x", b"x" * 101, "é".encode()])
def test_a_strange_name_is_refused_and_shown_harmlessly(out: Path, work: int, tmp_path: Path, name: bytes) -> None:
    (Path(os.fsdecode(os.fsencode(out) + b"/" + name))).write_text("x")
    collection = Collection(1000)
    collection.take(work, "out", tmp_path / "taken")
    assert list((tmp_path / "taken").iterdir()) == []
    assert len(collection.refused) == 1
    assert collection.refused[0].isascii()
    assert "\n" not in collection.refused[0]


def test_too_many_files_are_cut_off(out: Path, work: int, tmp_path: Path) -> None:
    for number in range(55):
        (out / f"f{number}").touch()
    collection = Collection(1000, most_files=50)
    collection.take(work, "out", tmp_path / "taken")
    assert len(list((tmp_path / "taken").iterdir())) == 50
    assert collection.refused == ["'out': holds more files than are taken"]


def test_refusals_are_listed_up_to_a_number(out: Path, work: int, tmp_path: Path) -> None:
    for number in range(150):
        (out / f"link{number}").symlink_to("/")
    collection = Collection(1000)
    collection.take(work, "out", tmp_path / "taken")
    assert len(collection.refused) == 101
    assert collection.refused[-1].startswith("…")


def test_lines_of_json_are_read(tmp_path: Path) -> None:
    path = tmp_path / "measurements.jsonl"
    path.write_text('{"score": 0.5}\n\n{"score": 2}\n')
    assert read_json_lines(path) == [{"score": 0.5}, {"score": 2}]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[" * 200_000, "nested too deeply"),
        (b'{"score": NaN}', "NaN is not a number"),
        (b'{"score": -Infinity}', "-Infinity is not a number"),
        (b'{"score": 1e999}', "out of range"),
        (b"1" * 5_000, "an integer has 5000 digits"),
        (b'{"score": }', "not sane JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"1" * 2_000_000, "at most 1000000 are read"),
    ],
    ids=["deep", "NaN", "infinity", "overflow", "huge integer", "broken", "not text", "giant"],
)
def test_json_that_no_honest_run_writes_is_one_clear_error(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "measurements.jsonl"
    path.write_bytes(content)
    with pytest.raises(ResultFileError, match=f"{path}.*{complaint}"):
        read_json_lines(path, 1_000_000)


def test_a_missing_file_a_link_and_a_pipe_are_the_same_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    for name in ("absent", "link", "pipe"):
        with pytest.raises(ResultFileError, match=name):
            read_json_lines(tmp_path / name)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    try:
        values = read_json_lines(path)
    except ResultFileError as refused:
        assert str(path) in str(refused)  # noqa: PT017 (either way is right)
    else:
        assert len(values) <= content.count(b"\n") + 1
