"""A scripted author of ideas and code: answers each prompt from what stands in it, as a language model would.

It knows no template. It reads knobs, source and earlier studies out of the prompt, turns a knob or changes how the code
uses a rule, and mends what a failed rehearsal complains of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from agent.llm import Request

KNOB = re.compile(r"^- `(?P<name>\w+)`: (?P<kind>.*?); now `(?P<now>.*?)`\. ", re.MULTILINE)
CALL = re.compile(r"(?<!def )\b(?P<call>(?P<rule>\w+)\((?:[^()\n]|\([^()\n]*\))*\))")
RECORD = re.compile(
    r'^\[(?P<key>[^\]\s]+)\]\n<untrusted id="(?P<id>\w+)"[^>]*>\n(?P<text>.*?)\n</untrusted', re.MULTILINE | re.DOTALL
)
REFERENCE = re.compile(r"^\[(?P<key>[^\]\s]+)\] (?P<title>\S.*)$", re.MULTILINE)
SLIP = "share_of_the_start"
"""A name that no code defines: the deliberate fault of a first edit."""
KNOWN_SHARE = 0.8
"""Of a title's words in the title of a record that has the answer already."""


class Knob(NamedTuple):
    name: str
    kind: str
    now: str


class IdeasAuthor:
    """Answers prompts that propose, look up, write and mend; None for every other prompt."""

    def __init__(self, *, prefers: str = "code", faulty: bool = False) -> None:
        """`prefers` is the kind of draft it rates highest, `code` or `knobs`; `faulty` makes its first edit crash."""
        self._prefers = prefers
        self._faulty = faulty

    def answer(self, request: Request) -> str | None:
        """Answer by the first words of what the user last asked, misfits aside."""
        answers: tuple[tuple[str, Callable[[Request, str], str]], ...] = (
            ("Propose ", self._propose),
            ("Now be the sharpest critic", self._reflect),
            ("Write the queries", self._queries),
            ("Judge what is published", self._survey),
            ("Write this idea as a change", self._implement),
            ("The code of an idea", self._repair),
        )
        for message in reversed(request.messages):
            for opening, write in answers:
                if message.speaker == "user" and message.text.startswith(opening):
                    return write(request, message.text)
        return None

    def _propose(self, request: Request, asked: str) -> str:
        wanted = int(re.findall(r"Propose (\d+) ideas", asked)[0])
        drafts = [*self._rewrites(request, asked), *self._turns(request, asked)]
        return json.dumps({"drafts": drafts[:wanted]})

    def _rewrites(self, request: Request, asked: str) -> Iterator[dict[str, Any]]:
        """Draft a change of how each rule is used that no earlier study made: larger where an input is near zero."""
        if "only knobs can be turned" in asked:
            return
        for each in rules(request.text):
            if f"A factor on {each.name}" in asked:
                continue
            file, call = place(request.text, each.name)
            last = inputs(call)[1:2] or inputs(call)
            plan = f"In `{file}`, multiply the call `{call}` by `{factor(last[0])}`, which falls as `{last[0]}` grows."
            yield draft(
                request,
                title=f"A factor on {each.name}",
                hypothesis=f"What {each.name} gives is too small where `{last[0]}` is near zero.",
                rationale=f"The rule treats the whole range of `{last[0]}` alike.{citation(request)}",
                plan=plan,
                interest=9 if self._prefers == "code" else 3,
            )

    def _turns(self, request: Request, asked: str) -> Iterator[dict[str, Any]]:
        for each in knobs(request.text):
            if (after := turned(each, asked)) is not None:
                yield draft(
                    request,
                    title=f"Another setting of {each.name}",
                    hypothesis=f"The baseline's {each.name} is not the best one for this task.",
                    rationale=f"Nothing says that {each.name} was tuned for this measure.{citation(request)}",
                    turns=[{"knob": each.name, "to": after}],
                    interest=9 if self._prefers == "knobs" else 4,
                )

    def _reflect(self, request: Request, _: str) -> str:
        """Drop the draft of least interest, and trust the others a little less."""
        said = next(each.text for each in reversed(request.messages) if '"drafts"' in each.text and each.text[0] == "{")
        drafts = json.loads(said)["drafts"]
        critiques = [f"'{each['title']}' can be tested by one comparison; the mechanism is a guess." for each in drafts]
        kept = sorted(drafts, key=lambda each: -each["interest"])[: max(1, len(drafts) - 1)]
        return json.dumps(
            {"critiques": critiques, "drafts": [{**each, "confidence": each["confidence"] * 0.9} for each in kept]}
        )

    def _queries(self, _: Request, asked: str) -> str:
        field, title = line(asked, "Field"), line(asked, "Title")
        return json.dumps({"queries": [" ".join(telling(title)[:6]) or title, " ".join(telling(field)[:6])]})

    def _survey(self, _: Request, asked: str) -> str:
        """Cite what shares telling words with the idea; call it known where a title says the same."""
        wanted = {*telling(f"{line(asked, 'Field')} {line(asked, 'Title')} {line(asked, 'Hypothesis')}")}
        records = {found["key"]: found["text"] for found in RECORD.finditer(asked)}
        own = {found["key"]: found["title"] for found in REFERENCE.finditer(RECORD.sub("", asked))}
        shared = {key: len(wanted & {*telling(text)}) for key, text in {**records, **own}.items()}
        cited = sorted((key for key in shared if shared[key]), key=lambda key: -shared[key])[:6]
        near = [key for key in cited if key in records][:2]
        title = {*telling(line(asked, "Title"))}
        same = [
            k for k, text in records.items() if len(title & {*telling(text.split("\n")[0])}) >= KNOWN_SHARE * len(title)
        ]
        return json.dumps(
            {
                "cited": cited,
                "answered_by": same[0] if same else "",
                "answer": f"Its title is the idea: {records[same[0]].splitlines()[0]}" if same else "",
                "nearest": [{"key": key, "difference": "It does not measure this change."} for key in near],
            }
        )

    def _implement(self, request: Request, asked: str) -> str:
        found = re.search(r"In `(.+?)`, multiply the call `(.+?)` by `(.+?)`, which", line(asked, "Plan"))
        if found is None:
            return "GIVE UP: the plan names no call that could be multiplied."
        file, call, by = found.groups()
        whole = next(each for each in source_lines(request.text, file) if call in each and not each.startswith("def "))
        written = f"{call} * {SLIP}" if self._faulty else f"{call} * {by}"
        return f"Multiplies what the rule gives.\n\n{block(file, whole, whole.replace(call, written))}"

    def _repair(self, _: Request, asked: str) -> str:
        """Mend a name that is not defined by what the plan says should stand there."""
        said = re.search(r"NameError: name '(\w+)' is not defined", asked)
        planned = re.search(r"In `(.+?)`, multiply the call `.+?` by `(.+?)`, which", asked)
        if said is None or planned is None:
            return "GIVE UP: the output does not say what is wrong."
        file, by = planned.groups()
        failed = next(each[1:] for each in asked.splitlines() if each.startswith("+") and said[1] in each)
        return f"Puts in what the plan says.\n\n{block(file, failed, failed.replace(said[1], by))}"


def draft(request: Request, **said: Any) -> dict[str, Any]:  # noqa: ANN401 (whatever a draft holds)
    name, metric = found(r"^# Template `(\w+)`", request.text), found(r"^Metric: (.*)$", request.text)
    filled = {
        "template": name,
        "direction": "higher" if "higher is better" in metric else "lower",
        "smallest_effect": float(found(r"under ([\d.e-]+) does not matter", metric)),
        "turns": [],
        "plan": "",
        "builds_on": [],
        "interest": 5,
        "confidence": 0.6,
    }
    return filled | said


def knobs(text: str) -> list[Knob]:
    return [Knob(each["name"], each["kind"], each["now"]) for each in KNOB.finditer(text)]


def rules(text: str) -> list[Knob]:
    return [each for each in knobs(text) if each.kind.startswith("expression")]


def turned(knob: Knob, asked: str) -> bool | float | str | None:
    """Give a setting that the prompt does not say was tried."""
    candidates: list[bool | float | str] = []
    if knob.kind == "true or false":
        candidates = [knob.now == "False"]
    elif knob.kind.startswith("one of "):
        candidates = [choice for choice in re.findall(r"'([^']*)'", knob.kind) if choice != knob.now]
    elif bounds := re.match(r"(whole )?number from ([\d.e+-]+) to ([\d.e+-]+), (\w+) scale", knob.kind):
        low, high, whole, log = float(bounds[2]), float(bounds[3]), bool(bounds[1]), bounds[4] == "log"
        places = [low * (high / low) ** at if log else low + (high - low) * at for at in (0.7, 0.5, 0.9, 0.3)]
        candidates = [round(at) if whole else float(f"{at:.3g}") for at in places]
    tried = [*re.findall(rf"`{knob.name}` to `(.*?)`", asked), knob.now]
    return next((each for each in candidates if str(each) not in tried), None)


def place(text: str, rule: str) -> tuple[str, str]:
    """Find where the editable source calls a rule: file and call."""
    for file in re.findall(r"^### (\S+)$", text[text.index("## Editable files") :], re.MULTILINE):
        for each in source_lines(text, file):
            for call in CALL.finditer(each):
                if call["rule"] == rule and not each.startswith("def "):
                    return file, call["call"]
    raise LookupError(f"No editable file calls {rule}.")


def source_lines(text: str, file: str) -> list[str]:
    editable = text[text.index("## Editable files") :]
    return found(rf"(?s)### {re.escape(file)}\n+````\n(.*?)````", editable).split("\n")


def inputs(call: str) -> list[str]:
    """Split a call's arguments, one level of parentheses deep."""
    inside = call[call.index("(") + 1 : -1]
    return [part.strip() for part in re.findall(r"(?:[^,()]|\([^()]*\))+", inside)]


def factor(argument: str) -> str:
    return f"(1.0 + 1.0 / (1.0 + abs({argument})))"


def block(file: str, search: str, replace: str) -> str:
    return f"{file}\n<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"


def citation(request: Request) -> str:
    key = re.search(r"^- \[@([^\]]+)\]", request.text, re.MULTILINE)
    return f" The baseline goes back to [@{key[1]}]." if key else ""


def telling(text: str) -> list[str]:
    """Give the words that tell what a text is about, each once."""
    return list(dict.fromkeys(word for word in re.findall(r"[a-z]{4,}", text.lower()) if word not in {"that", "with"}))


def line(text: str, name: str) -> str:
    return found(rf"^{name}: (.*)$", text)


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise LookupError(f"The prompt has nothing like {pattern}.")
    return match[1]
