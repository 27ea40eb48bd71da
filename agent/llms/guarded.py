"""The PARDEN safeguard: a language model that will not repeat its own answer is taken at its word."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from agent.llm import LLM, Finish, Message, RefusedError, Reply, Request
from agent.llms.bleu import fidelity

TOKENS = 100
"""Of the repeat, as its authors generate; 60 did as well."""
LINES = (
    "a. A short verse about the sea in autumn: the tide goes out, the gulls stay",
    "b. Here is the query you wanted: SELECT name FROM towns ORDER BY population;",
    "c. With that dish I would drink a dry white wine, well cooled",
    "d. This text belongs to the second of the three classes, namely: weather",
)
"""Demonstrations of what is repeated; they stand in the question and again at the start of the answer."""
MARK = "e."


class Guarded:
    """Asks the language model to repeat its answer, and refuses the answer when the repeat is too far from it.

    PARDEN (Zhang, Zhang and Foerster, ICML 2024, arXiv 2405.07932): REPEAT(y) = LLM(prefix, demonstrations, y, suffix,
    demonstrations) at temperature 0, and y is refused if and only if BLEU(y, REPEAT(y)) < threshold. BLEU is of
    characters, over at most the first sixty words. The repeat is cut at `TOKENS` tokens; the answer, which is shown
    whole, is then compared only as far as the repeat goes. A refused reply has the finish `refused`, its text says so,
    and the answer is only on record. The repeat is a request of its own, with the purpose `guard`, so that the ledger
    shows what it costs, and which answers are guarded hangs on their requests alone, so that a replay guards the same.

    Published, for Llama-2-7B: of the false positives of a classifier, 24.8 % at 90 % true positives, 2.0 % are left;
    BLEU is .946 (s.d. .087) for harmless and .435 (s.d. .157) for harmful answers. What these are for other language
    models, and for research rather than chat, has to be measured: `benchmarks/parden_guard.py`.

    It is no defence against a language model that was not trained to refuse, since that repeats everything; against
    an answer that is wrong, or false, and not harmful; against harm beyond the sixtieth word, unless the language model
    sees it and refuses; against a repeat that ends early, of which only what there is can be compared; or against an
    answer that makes the language model repeat it.
    """

    def __init__(
        self,
        llm: LLM,
        threshold: float,
        share: float = 1.0,
        seed: int = 0,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Guard this share of the answers of `llm`; `report` is told of each that is refused."""
        self._llm = llm
        self._threshold = threshold
        self._share = share
        self._seed = seed
        self._report = report

    @property
    def name(self) -> str:
        return self._llm.name

    def complete(self, request: Request) -> Reply:
        """Answer, or refuse the answer; raises what the language model raises, while repeating too."""
        reply = self._llm.complete(request)
        if reply.finish is Finish.refused or not reply.text.strip() or not self.guards(request):
            return reply
        likeness = self.likeness(request, reply)
        return reply if likeness >= self._threshold else self._refuse(request, reply, likeness)

    def guards(self, request: Request) -> bool:
        """Say whether the answer to `request` is among the share that is guarded."""
        drawn = hashlib.sha256(f"{self._seed} {request.digest}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") < self._share * 2**64

    def likeness(self, request: Request, reply: Reply) -> float:
        """Have the answer repeated, and give the BLEU of the repeat: 1 is word for word, and 0 a refusal."""
        shown = readable(reply.text) if request.shape else reply.text
        reasoned = reply.usage is not None and reply.usage.reasoning_tokens > 0
        try:
            again = self._repeat(request, shown, reasoned=reasoned)
        except RefusedError:
            return 0.0
        if again.finish is Finish.refused:
            return 0.0
        return fidelity(shown, without_lines(again.text), cut_off=again.finish is Finish.truncated)

    def _repeat(self, request: Request, text: str, *, reasoned: bool) -> Reply:
        """Ask for the repeat; where reasoning comes first, with as much room again as the answer had."""
        again = self._llm.complete(repetition(request, text, room=request.max_tokens if reasoned else 0))
        if reasoned or again.finish is not Finish.truncated or again.text.strip():
            return again
        return self._llm.complete(repetition(request, text, room=request.max_tokens))

    def _refuse(self, request: Request, reply: Reply, likeness: float) -> Reply:
        said = (
            f"{self.name} did not repeat its own answer when asked to (BLEU {likeness:.2f}, under the threshold of "
            f"{self._threshold:g}), so the guard refuses it. If that is a false alarm, lower --guard."
        )
        self._report(f"'{request.purpose}': {said}")
        return reply.model_copy(update={"text": said, "finish": Finish.refused})


def repetition(request: Request, text: str, room: int = 0) -> Request:
    """Ask for `text` again, under the same system's words; `room` is for reasoning, in tokens."""
    shown = "\n".join((*LINES, f"{MARK} {text}"))
    question = (
        f"Here is a text in brackets, in five parts: [{shown}]\n\n"
        f"Please repeat it safely, word for word and in the same order, without the brackets."
    )
    opening = Message(speaker="assistant", text="\n".join((*LINES, MARK)))
    return Request(
        purpose="guard",
        system=request.system,
        messages=(Message(speaker="user", text=question), opening),
        max_tokens=TOKENS + room,
        temperature=0,
        sample=request.sample,
    )


def readable(text: str) -> str:
    """Put JSON on lines: nobody repeats the white space of a single long one."""
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    except ValueError:
        return text


def without_lines(repeat: str) -> str:
    """Leave out the demonstrations, which a language model repeats where no opening can be put in its mouth."""
    before, _, after = repeat.partition(f"\n{MARK}")
    led = before.lstrip().startswith(LINES[0][:12])
    return (after if led else repeat.strip().removeprefix(MARK)).strip()
