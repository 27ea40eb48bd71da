"""Metering: no call without money set aside for it, and none that is not entered when it is over.

The order is what makes it safe against a kill. The reservation is on disk before the request is sent, the answer is
recorded before it is settled, and it is settled before it is used:

    killed …                         then, on the way again
    before the reservation           nothing was sent: asked for the first time
    between reservation and record   asked again; the lost attempt may have been billed, and counts at its upper bound
    between record and settlement    settled from the record, not asked again
    after the settlement             answered from the record, nothing entered
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from agent import prices
from agent.budget import Caps
from agent.endpoint import Endpoint
from agent.entry import Entry
from agent.journal import Call, Journal
from agent.llm import LLMError, RefusedError, Reply, Request, UnreachableError
from agent.llms.recorded import Recorded
from agent.prices import Charge


class Metered:
    """Pays for what is not on record, within the caps."""

    def __init__(self, recorded: Recorded, journal: Journal, endpoint: Endpoint, caps: Caps) -> None:
        """Enter calls in `journal` at the price that `endpoint`, or else the price file, gives."""
        self._recorded = recorded
        self._journal = journal
        self._endpoint = prices.known(recorded.name, endpoint)
        self._caps = caps
        self._busy: set[str] = set()
        self._changed = threading.Condition()

    @property
    def name(self) -> str:
        return self._recorded.name

    def holds(self, request: Request) -> bool:
        """Say whether the answer is on record, so that nobody is asked."""
        return self._recorded.holds(request)

    def complete(self, request: Request) -> Reply:
        """Answer, and have the cost in the ledger before.

        Raises `BudgetReachedError` when it could cost more than is left, and what the language model raises.
        """
        call = Call(key=self._recorded.key(request), question=request.purpose, llm=self.name)
        with self._alone(call.key):
            reply = self._recorded.recall(request)
            if reply is None:
                return self._pay(request, call)
            if reserved := self._journal.reservation(call.key):
                self._settle(reserved, reply)
            return reply

    def _pay(self, request: Request, call: Call) -> Reply:
        bound = prices.upper_bound(request, self._endpoint)
        reserved = self._journal.reserve(call, bound, self._caps)
        # Any other error, such as a full disk, leaves the reservation open: the answer may be paid, and is lost.
        try:
            reply = self._recorded.ask(request)
        except LLMError as error:
            lost = may_be_billed(error)
            cost = bound if lost else prices.charge(self._endpoint.price, Charge().usage)
            self._journal.settle(reserved, cost, failed=type(error).__name__, sure=not lost)
            raise
        self._settle(reserved, reply)
        return reply

    def _settle(self, reserved: Entry, reply: Reply) -> None:
        """Enter what the provider counted; where it did not say, the upper bound stands."""
        counted = reply.usage is not None
        usage = reply.usage or reserved.usage or Charge().usage
        cost = prices.charge(self._endpoint.price, usage)
        bound = Charge(usage=usage, usd=reserved.usd, priced=reserved.priced)
        self._journal.settle(reserved, cost if counted else bound, served=reply.served, sure=counted)

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Let one thread at a time see to a call, so that two that ask the same pay once."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._busy)
            self._busy.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._busy.remove(key)
                self._changed.notify_all()


def may_be_billed(error: LLMError) -> bool:
    """Say whether a provider may ask money for a call that failed so: it was sent and read, and its answer is lost."""
    return isinstance(error, RefusedError) or (isinstance(error, UnreachableError) and error.billed)
