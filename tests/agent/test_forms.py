from __future__ import annotations

import json
from typing import Literal

import pytest

from agent.llm import Finish, MisfitError, Reply, Request
from agent.llm import Message as Said
from agent.llms.scripted import ScriptedLLM
from agent.researchers import conversation
from agent.researchers.authoring import Observations
from agent.researchers.drafts import Drafts
from agent.researchers.forms import Misfit, read
from agent.researchers.manuscripts import Front
from agent.researchers.surveying import Judged, Queries
from sandboxes.record import Record


class Scores(Record):
    overall: Literal[1, 2, 3, 4, 5, 6, 7]
    clarity: Literal[1, 2, 3, 4]


class Filled(Record):
    summary: str
    remarks: tuple[str, ...]
    scores: Scores
    direction: Literal["higher", "lower"]
    chance: float


WHOLE = {
    "summary": "It asks.",
    "remarks": ["One.", "Two."],
    "scores": {"overall": 6, "clarity": 3},
    "direction": "lower",
    "chance": 0.7,
}
PLAIN = json.dumps(WHOLE)
DRAFT = {
    "template": "toy",
    "title": "Smaller steps at the end",
    "hypothesis": "Smaller last steps lower the loss.",
    "rationale": "Noise averages out.",
    "direction": "lower",
    "smallest_effect": 0.1,
    "turns": [{"knob": "initial", "to": 0.1}],
    "plan": "",
    "builds_on": [],
    "interest": 5,
    "confidence": 0.6,
}


@pytest.mark.parametrize(
    "said",
    [
        f"Sure! Here is my review of the {{paper}}:\n```json\n{PLAIN}\n```\nLet me know if you need more.",
        f"[Note] as asked:\n{PLAIN}",
        PLAIN.replace('"Two."]', '"Two.",]').replace(": 0.7", ": 0.7, // fairly sure\n"),
        PLAIN.replace('"scores":', '/* by the anchors */ "scores":'),
        PLAIN.replace('"overall": 6', '"overall": "6"').replace('"clarity": 3', '"Clarity": "3: good"'),
        PLAIN.replace('"overall": 6', '"overall": "6/10"').replace('"clarity": 3', '"clarity": 3.0'),
        PLAIN.replace('"summary"', '"Summary"').replace('"lower"', '"Lower"').replace(": 0.7", ': "70%"'),
        json.dumps({"review": WHOLE}),
        json.dumps({**WHOLE, "reasoning": "I thought about it.", "decision": "accept"}),
        json.dumps({**WHOLE, "summary": ["It asks."]}),
    ],
)  # fmt: skip
def test_a_harmless_habit_of_writing_json_is_taken_as_it_was_meant(said: str) -> None:
    assert read(said, Filled) == Filled.model_validate(WHOLE)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("I like it.", "not JSON"),
        (PLAIN.replace('"overall": 6', '"overall": "6 or 7"'), "scores.overall"),
        (PLAIN.replace('"overall": 6', '"overall": 6.5'), "scores.overall"),
        (PLAIN.replace('"lower"', '"down"'), "direction"),
        (f"```json\n{PLAIN}\n```\nOn reflection:\n```json\n{PLAIN.replace('6', '5')}\n```", "2 JSON objects"),
        (json.dumps({name: each for name, each in WHOLE.items() if name != "chance"} | {"odds": 0.7}), "chance"),
        ("[" * 5_000 + "]" * 5_000, "not JSON"),
    ],
)
def test_what_could_mean_several_things_is_refused_with_what_to_mend(said: str, told: str) -> None:
    with pytest.raises(Misfit, match=told):
        read(said, Filled)


def test_null_stands_for_nothing_and_one_thing_for_a_list_of_it() -> None:
    said = '{"cited": "one2020", "answered_by": null, "answer": null, "nearest": null}'
    assert read(said, Judged) == Judged(cited=("one2020",))
    assert read('["a query", "another one"]', Queries).queries == ("a query", "another one")
    assert read(json.dumps(DRAFT), Drafts).drafts == read(json.dumps([DRAFT]), Drafts).drafts


def test_a_name_that_may_stand_for_a_missing_one_is_not_dropped() -> None:
    renamed = {("knob_turns" if name == "turns" else name): each for name, each in DRAFT.items()}
    with pytest.raises(Misfit, match="knob_turns"):
        read(json.dumps({"drafts": [renamed | {"plan": "Also change the rule."}]}), Drafts)
    scored = {name: each for name, each in DRAFT.items() if name not in {"plan", "builds_on"}} | {"novelty": 7}
    assert read(json.dumps({"drafts": [scored]}), Drafts) == read(json.dumps({"drafts": [DRAFT]}), Drafts)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (r"of $\mu$ over $\nu$", r"of $\mu$ over $\nu$"),
        (r"$\frac{\tau}{\beta}$ and $a \times b$", r"$\frac{\tau}{\beta}$ and $a \times b$"),
        (r"of $\\mu$ over $\\nu$", r"of $\mu$ over $\nu$"),
        (r"95\% of it", r"95\% of it"),
        (r"one\ntwo \"three\" \u00e9", 'one\ntwo "three" é'),
    ],
)
def test_tex_in_json_is_read_with_and_without_doubled_backslashes(said: str, meant: str) -> None:
    assert read(f'{{"title": "T", "abstract": "{said}"}}', Front).abstract == meant
    assert (
        read(f'{{"observations": [{{"text": "{said}", "facts": "a.b"}}]}}', Observations).observations[0].text == meant
    )


def asked(text: str = "Tell me.") -> Request:
    return Request(purpose="section", system="", messages=(Said(speaker="user", text=text),), max_tokens=100)


def test_a_conversation_shows_the_last_answer_and_not_those_before() -> None:
    llm = ScriptedLLM(lambda request: f"{'word ' * 1_000}{len(request.text)}")

    def parse(text: str) -> str:
        raise Misfit(f"Not “{text[:4]}”. " + "x" * 100_000)

    with pytest.raises(MisfitError):
        conversation.converse(llm, asked(), parse, tries=6)
    sizes = [len(request.text) for request in llm.asked]
    assert len(llm.asked) == 6
    assert max(len(request.messages) for request in llm.asked) == 3
    assert max(sizes) < len("word ") * 1_000 + conversation.LONGEST_MISFIT + 200


def test_the_same_wrong_answer_twice_is_asked_about_in_other_words() -> None:
    llm = ScriptedLLM(lambda _: "The same.")

    def parse(_: str) -> str:
        raise Misfit("No.")

    with pytest.raises(MisfitError):
        conversation.converse(llm, asked(), parse)
    assert len({request.digest for request in llm.asked}) == conversation.TRIES


def test_an_answer_that_was_cut_off_is_not_sent_back() -> None:
    cut = Reply(text="word " * 9_000, finish=Finish.truncated, usage=None, served="scripted/author")
    llm = ScriptedLLM(lambda request: "Done." if len(request.messages) > 1 else cut)
    assert conversation.converse(llm, asked(), str.strip) == "Done."
    assert len(llm.asked[1].text) < 300
