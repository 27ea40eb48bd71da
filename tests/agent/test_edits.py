from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.researchers import edits
from agent.researchers.edits import Edit
from agent.researchers.forms import Misfit

NAMES = ("experiment.py", "model.py")
TEXT = "def f():\n    a = 1\n    b = 2\n    return a + b\n\n\ndef g():\n    a = 1\n    return a\n"
FILES = {"experiment.py": TEXT, "model.py": "x = 1\n"}


def block(search: str, replace: str, file: str = "experiment.py") -> str:
    return f"{file}\n<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"


def changed(answer: str, files: dict[str, str] = FILES) -> dict[str, str]:
    return edits.apply(files, edits.read(answer, tuple(files)).edits)


def test_a_passage_is_replaced_where_it_stands_and_all_else_stays() -> None:
    assert changed(block("    b = 2", "    b = 3")) == {**FILES, "experiment.py": TEXT.replace("b = 2", "b = 3")}


def test_what_stands_twice_is_replaced_nowhere_and_both_places_are_named() -> None:
    with pytest.raises(Misfit, match=r"stands 2 times in experiment.py, at lines 2, 8"):
        changed(block("    a = 1", "    a = 2"))


def test_more_lines_around_it_make_a_passage_unique() -> None:
    assert changed(block("def g():\n    a = 1", "def g():\n    a = 2"))["experiment.py"].endswith(
        "def g():\n    a = 2\n    return a\n"
    )


def test_a_line_is_not_found_inside_a_longer_one() -> None:
    with pytest.raises(Misfit, match="does not stand"):
        changed(block("return a + ", "return b"), {"experiment.py": "    return a + b\n"})


def test_what_does_not_stand_is_answered_with_the_nearest_lines() -> None:
    with pytest.raises(Misfit) as told:
        changed(block("    return a * b", "    return b"))
    assert "Nearest are lines 4 and on:\n    return a + b" in str(told.value)


def test_a_whole_passage_may_be_indented_otherwise_when_there_is_one_place_for_it() -> None:
    written = changed(block("a = 1  \nb = 2", "a = 1\nif a:\n    b = 3"))["experiment.py"]
    assert written.startswith("def f():\n    a = 1\n    if a:\n        b = 3\n    return a + b\n")


def test_a_passage_whose_lines_are_indented_unlike_the_source_does_not_stand() -> None:
    with pytest.raises(Misfit, match="does not stand"):
        changed(block("    a = 1\n        b = 2", "    pass"))


def test_a_blank_first_line_says_nothing_of_the_indentation() -> None:
    files = {"a.py": "class A:\n\n    b = 1\n"}
    assert changed("a.py\n<<<<<<< SEARCH\n\nb = 1\n=======\n\nb = 2\n>>>>>>> REPLACE\n", files) == {
        "a.py": "class A:\n\n    b = 2\n"
    }


def test_a_replacement_that_would_lose_its_shape_on_the_way_left_is_refused() -> None:
    with pytest.raises(Misfit, match="does not stand"):
        changed(block("        b = 2\n        return a + b", "        if a:\n  return b"))


def test_edits_are_made_one_after_the_other() -> None:
    answer = block("    b = 2", "    b = 5\n    c = 6") + block("    c = 6", "    c = 7")
    assert "    b = 5\n    c = 7\n" in changed(answer)["experiment.py"]


def test_an_empty_replacement_takes_lines_out() -> None:
    answer = "experiment.py\n<<<<<<< SEARCH\n    b = 2\n=======\n>>>>>>> REPLACE\n"
    assert changed(answer)["experiment.py"] == TEXT.replace("    b = 2\n", "")


def test_a_whole_file_stands_between_fences_after_its_name() -> None:
    assert changed("I rewrite it.\n\n**model.py**\n```python\ny = 2\n```\n")["model.py"] == "y = 2\n"


def test_blocks_inside_a_fence_are_read_as_blocks() -> None:
    body = block("    b = 2", "    b = 3").removeprefix("experiment.py\n")
    assert "b = 3" in changed(f"`experiment.py`\n```\n{body}```\n")["experiment.py"]


def test_the_file_of_a_block_is_the_one_named_last() -> None:
    unnamed = block("x = 1", "x = 2").removeprefix("experiment.py\n")
    assert changed(f"{block('    b = 2', '    b = 3')}\nmodel.py\n\n{unnamed}")["model.py"] == "x = 2\n"


def test_where_one_file_is_editable_no_block_need_name_it() -> None:
    unnamed = block("x = 1", "x = 2").removeprefix("experiment.py\n")
    assert changed(unnamed, {"model.py": "x = 1\n"}) == {"model.py": "x = 2\n"}
    with pytest.raises(Misfit, match="has no file"):
        changed(unnamed)


def test_line_endings_survive() -> None:
    assert changed(block("b = 2", "b = 3\nc = 4"), {"experiment.py": "a = 1\r\nb = 2\r\n"}) == {
        "experiment.py": "a = 1\r\nb = 3\r\nc = 4\r\n"
    }


def test_a_whole_program_without_a_name_is_the_only_file_there_is() -> None:
    program = 'import json\n\nif __name__ == "__main__":\n    print(json.dumps(1))\n'
    assert changed(f"Here it is.\n```python\n{program}```", {"experiment.py": TEXT}) == {"experiment.py": program}
    with pytest.raises(Misfit, match="no edit"):
        changed("Change this:\n```python\n    b = 3\n```", {"experiment.py": TEXT})
    with pytest.raises(Misfit, match="no edit"):
        changed(f"```python\n{program}```")


@pytest.mark.parametrize(
    "line",
    ["# ... rest of the code ...", "    # ... (unchanged)", "# existing code…", "# the rest stays unchanged ..."],
)
def test_code_that_is_left_out_is_asked_for(line: str) -> None:
    with pytest.raises(Misfit, match="leaves code of"):
        changed(block("    b = 2", f"    b = 3\n{line}"))
    with pytest.raises(Misfit, match="leaves code of"):
        changed(f"experiment.py\n```python\ndef f():\n    b = 3\n{line}\n```")
    assert line in changed(block("a = 1", "a = 2"), {"experiment.py": f"a = 1\n{line}\n"})["experiment.py"]


@pytest.mark.parametrize("file", ["harness.py", "../experiment.py", "/etc/passwd.txt"])
def test_a_file_that_is_not_editable_is_refused_by_name(file: str) -> None:
    with pytest.raises(Misfit, match=r"may not be changed; editable is experiment.py, model.py"):
        edits.apply(FILES, [Edit(file=file, search=None, replace="")])


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("I would rather not.", "no edit in that answer"),
        ("experiment.py\n<<<<<<< SEARCH\n    b = 2\n", "no line '======='"),
        ("experiment.py\n<<<<<<< SEARCH\n    b = 2\n=======\n    b = 3\n", "no line '>>>>>>> REPLACE'"),
        ("experiment.py\n```python\nx = 1\n", "no line '```'"),
        (block("", "x = 1"), "nothing to search for"),
    ],
)
def test_an_answer_that_is_not_whole_says_what_is_missing(answer: str, why: str) -> None:
    with pytest.raises(Misfit, match=why):
        changed(answer)


def test_an_author_may_give_up_with_a_reason() -> None:
    assert edits.read("GIVE UP: the scorer forbids it.", NAMES).given_up == "the scorer forbids it."
    assert edits.read("**GIVE UP**", NAMES).given_up != ""
    assert edits.read("I tried.\n\nGIVE UP: no use.", NAMES).given_up == "no use."
    assert edits.read(f"I do not\nGIVE UP\n{block('a', 'b')}", NAMES).given_up == ""


def test_what_is_said_before_the_first_edit_is_kept_as_a_note() -> None:
    assert edits.read(f"It averages.\n\n{block('    b = 2', '')}", NAMES).note == "It averages."


LINES = st.text(alphabet="ab =():\t<>`#", max_size=8)


@given(st.lists(LINES, min_size=1, max_size=12), st.data())
def test_an_edit_changes_its_lines_and_no_others_or_is_refused(lines: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(start + 1, len(lines)))
    search, new = lines[start:end], ["# new"]
    edit = Edit(file="a.py", search="\n".join(search), replace="\n".join(new))
    try:
        written = edits.apply({"a.py": "\n".join(lines)}, [edit])["a.py"]
    except Misfit:
        assert [lines[at : at + len(search)] for at in range(len(lines))].count(search) != 1
    else:
        assert written == "\n".join([*lines[:start], *new, *lines[end:]])
