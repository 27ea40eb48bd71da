"""Fallback: the next language model of a list answers when those before cannot or will not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.llm import LLM, Finish, LLMError, Reply, Request


class Fallback:
    """Asks the language models in their order until one answers; the reply says who served it.

    Passed over is who refuses, has no key or no money left, is unknown, cannot take the request, has it not on record,
    or is out of reach for longer than anybody waits. An answer in a wrong form is for the conversation to mend.
    """

    def __init__(
        self,
        llms: Sequence[LLM],
        report: Callable[[str], None] = lambda _: None,
        held: Callable[[str, Request], bool] = lambda _name, _request: False,
        name: str = "",
    ) -> None:
        """Tell `report` who is passed over and why.

        `held` says whether a language model's answer is on record: then it had been passed on to before, and is again.
        """
        self._llms = tuple(llms)
        self._report = report
        self._held = held
        self.name = name or " or ".join(llm.name for llm in llms)

    def complete(self, request: Request) -> Reply:
        """Answer.

        When all fail, gives the last refusal, or raises the first error; its message then has everybody's reasons.
        """
        failures: list[LLMError] = []
        refusal: Reply | None = None
        for llm in self._order(request):
            try:
                reply = llm.complete(request)
            except LLMError as error:
                failures.append(error)
                self._report(f"{llm.name} is passed over for '{request.purpose}': {error}")
                continue
            if reply.finish is not Finish.refused:
                return reply
            refusal = reply
            self._report(f"{llm.name} is passed over for '{request.purpose}': it refused to answer.")
        if refusal is not None:
            return refusal
        raise together(failures)

    def _order(self, request: Request) -> list[LLM]:
        """Put those whose answer is on record first: they are asked for nothing."""
        return sorted(self._llms, key=lambda llm: not self._held(llm.name, request))


def together(failures: Sequence[LLMError]) -> LLMError:
    """Give the first failure with the reasons of all in its message."""
    first = failures[0]
    if len(failures) > 1:
        first.args = ("No language model of the list answered. " + " ".join(f"{each}" for each in failures),)
    return first
