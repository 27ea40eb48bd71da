"""How much of a language model's time the layer around it wastes, and what that layer costs by itself.

A slow server on loopback, in a process of its own, speaks OpenAI's protocol. Hundreds of requests at a time go through
the whole stack (door, Adapting, Recorded, Metered with a real ledger and every fsync, Gated), at two sizes. Prints the
throughput against the ideal, requests in flight divided by the server's latency, and, one request at a time at a
server without latency, what a call takes through the stack and through the bare SDK. Fails under LEAST_SHARE or above
MOST_MILLISECONDS.

    python benchmarks/llm_throughput.py [--at-a-time 300] [--latency 2] [--rounds 40] [--chunks 20]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent.budget import Budget, Caps
from agent.endpoint import Endpoint, Price
from agent.entry import Event
from agent.journal import Journal
from agent.ledger import read
from agent.llm import LLM, Message, Request
from agent.llms import doors
from agent.llms.adapting import Adapting
from agent.llms.gate import Pace
from agent.llms.gated import Gated
from agent.llms.metered import Metered
from agent.llms.recorded import Recorded

LEAST_SHARE = 0.95
MOST_MILLISECONDS = 5.0
ONE_BY_ONE = 200
"""Calls for the cost of one."""
BUILD = Path(__file__).parents[1] / "build"
"""On the disk that a campaign would be on: in memory an fsync costs nothing."""
SYSTEM = "You are a careful researcher. "


@dataclass(frozen=True)
class Size:
    name: str
    prompt: int
    """Characters."""
    answer: int


SIZES = (Size("short", 2_000, 500), Size("long", 60_000, 8_000))
"""A query; and a proposal, with its template before it."""


@dataclass(frozen=True)
class Shown:
    """What is measured at one size."""

    size: str
    share: float
    per_second: float
    ideal_per_second: float
    cpu_share: float
    """Of one core, this process alone."""
    bare_milliseconds: float
    stack_milliseconds: float
    bare_cpu_milliseconds: float
    stack_cpu_milliseconds: float

    @property
    def own_milliseconds(self) -> float:
        return self.stack_milliseconds - self.bare_milliseconds


async def serve(latency: float, answer: int, chunks: int) -> None:
    """Answer every request after `latency` seconds with `answer` characters in `chunks` pieces; print the port."""
    sent = framed(answer, chunks)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            await asyncio.sleep(latency)
            writer.write(sent)
            await writer.drain()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0, backlog=2048, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def framed(answer: int, chunks: int) -> bytes:
    """Make the bytes of a streamed answer, its usage last."""
    common = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "slow-1"}

    def chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
        return {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    pieces = [chunk({"content": "x" * (answer // chunks)}) for _ in range(chunks)]
    events = [chunk({"role": "assistant"}), *pieces, chunk({}, "stop"), {**common, "choices": [], "usage": usage}]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode() + b"data: [DONE]\n\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextmanager
def server(latency: float, size: Size, chunks: int) -> Iterator[str]:
    """Run a server in a process of its own; give its base URL."""
    words = [sys.executable, __file__, "--serve", str(latency), str(size.answer), str(chunks)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()


def request(size: Size, sample: int) -> Request:
    prompt = ("Why is that so? " * size.prompt)[: size.prompt]
    message = Message(speaker="user", text=prompt)
    return Request(purpose="propose", system=SYSTEM, messages=(message,), max_tokens=4000, sample=sample)


def stack(url: str, folder: Path, at_a_time: int) -> Gated:
    """Put the whole layer together, as a campaign does."""
    endpoint = Endpoint(base_url=url, price=Price(input=1, output=10))
    ledger = Journal(folder / "ledger.jsonl", folder / "exchanges")
    ledger.note(Event.opened, "benchmark")
    door = doors.door("openai/slow", endpoint, "none")
    paid = Metered(Recorded(Adapting(door), folder / "calls"), ledger, endpoint, Caps(campaign=Budget(usd=1e6)))
    return Gated(paid, lambda seconds, _: time.sleep(seconds), pace=Pace(start=at_a_time))


def bare(url: str) -> Callable[[Request], None]:
    """Make a call as a script with the SDK alone would."""
    import openai

    sdk = openai.OpenAI(base_url=url, api_key="none", max_retries=0)

    def call(asked: Request) -> None:
        messages = [{"role": "system", "content": asked.system}, {"role": "user", "content": asked.messages[0].text}]
        chunks = sdk.chat.completions.create(
            model="slow",
            messages=messages,
            max_tokens=asked.max_tokens,
            stream=True,
            stream_options={"include_usage": True},
        )
        "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)

    return call


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Took:
    wall: float
    cpu: float


def took(work: Callable[[], object]) -> Took:
    wall, cpu = time.monotonic(), cpu_seconds()
    work()
    return Took(time.monotonic() - wall, cpu_seconds() - cpu)


def together(llm: LLM, size: Size, at_a_time: int, rounds: int) -> Took:
    """Have `rounds` times `at_a_time` requests answered, so many at a time."""
    asked = [request(size, sample) for sample in range(at_a_time * rounds)]
    with ThreadPoolExecutor(at_a_time) as pool:
        return took(lambda: list(pool.map(llm.complete, asked)))


def one_by_one(call: Callable[[Request], object], size: Size) -> Took:
    """Time a call after another; the first ones open the connection and are not counted."""
    asked = [request(size, -1 - sample) for sample in range(ONE_BY_ONE + 5)]
    for each in asked[:5]:
        call(each)
    return took(lambda: [call(each) for each in asked[5:]])


def measure(size: Size, at_a_time: int, latency: float, rounds: int, chunks: int) -> Shown:
    with tempfile.TemporaryDirectory(dir=BUILD) as temporary:
        slow, quick = Path(temporary, "slow"), Path(temporary, "quick")
        slow.mkdir()
        quick.mkdir()
        with server(latency, size, chunks) as url:
            llm = stack(url, slow, at_a_time)
            llm.complete(request(size, -1))  # the libraries are imported
            many = together(llm, size, at_a_time, rounds)
        entries = tuple(read(slow / "ledger.jsonl"))
        if (settled := sum(entry.event is Event.settled for entry in entries)) != at_a_time * rounds + 1:
            sys.exit(f"{settled} of {at_a_time * rounds + 1} calls are settled in the ledger.")
        with server(0.0, size, chunks) as url:
            alone = one_by_one(bare(url), size)
            whole = one_by_one(stack(url, quick, at_a_time).complete, size)
    ideal = at_a_time / latency
    achieved = at_a_time * rounds / many.wall
    return Shown(
        size=size.name,
        share=achieved / ideal,
        per_second=achieved,
        ideal_per_second=ideal,
        cpu_share=many.cpu / many.wall,
        bare_milliseconds=1000 * alone.wall / ONE_BY_ONE,
        stack_milliseconds=1000 * whole.wall / ONE_BY_ONE,
        bare_cpu_milliseconds=1000 * alone.cpu / ONE_BY_ONE,
        stack_cpu_milliseconds=1000 * whole.cpu / ONE_BY_ONE,
    )


def ledger_lines_per_second(threads: int, lines: int) -> float:
    """Say how many entries reach the disk in a second, each fsynced before its writer goes on."""
    with tempfile.TemporaryDirectory(dir=BUILD) as temporary, ThreadPoolExecutor(threads) as pool:
        ledger = Journal(Path(temporary, "ledger.jsonl"), Path(temporary, "exchanges"))
        write = partial(ledger.note, Event.trial_started)
        return lines / took(lambda: list(pool.map(write, map(str, range(lines))))).wall


def show(shown: Shown) -> None:
    print(
        f"{shown.size:>6}: {shown.per_second:.1f} calls/s of an ideal {shown.ideal_per_second:.1f} "
        f"({shown.share:.1%}), one core busy {shown.cpu_share:.0%}; a call {shown.stack_milliseconds:.2f} ms, by the "
        f"bare SDK {shown.bare_milliseconds:.2f} ms, so the layer's own {shown.own_milliseconds:.2f} ms "
        f"(CPU {shown.stack_cpu_milliseconds:.2f} and {shown.bare_cpu_milliseconds:.2f} ms)",
        flush=True,
    )


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve(float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--at-a-time", type=int, default=300)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--chunks", type=int, default=20, help="pieces of a streamed answer")
    asked = parser.parse_args()
    BUILD.mkdir(exist_ok=True)
    print(
        f"ledger: {ledger_lines_per_second(1, 500):.0f} durable lines/s by one thread, "
        f"{ledger_lines_per_second(asked.at_a_time, 6000):.0f} by {asked.at_a_time}",
        flush=True,
    )
    shown = [measure(size, asked.at_a_time, asked.latency, asked.rounds, asked.chunks) for size in SIZES]
    for each in shown:
        show(each)
    slow = [each.size for each in shown if each.share < LEAST_SHARE]
    dear = [each.size for each in shown if each.own_milliseconds > MOST_MILLISECONDS]
    if slow or dear:
        sys.exit(f"Under {LEAST_SHARE:.0%} of the ideal: {slow}. Above {MOST_MILLISECONDS:g} ms a call: {dear}.")


if __name__ == "__main__":
    main()
