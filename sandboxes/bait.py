"""Bait: what a job must not reach, set out on the host for the length of a conformance run."""

from __future__ import annotations

import os
import secrets
import selectors
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import NamedTuple

Fact = str | int | list[str]


class Bait(NamedTuple):
    """Where the bait lies; whoever reaches any of it comes upon the secret."""

    secret: str
    facts: dict[str, Fact]
    """What an abuse program is told: places, never the secret."""
    mount: Path
    """A folder with a `harness.py`, to be mounted."""


@contextmanager
def set_out() -> Iterator[Bait]:
    """Put out a key, a process with the secret in its environment, and services on every kind of local socket."""
    with TemporaryDirectory(prefix="ratchet-bait-") as name, ExitStack() as stack:
        folder, secret = Path(name), secrets.token_hex(16)
        folder.chmod(0o755)
        key = folder / ".ssh" / "id_ed25519"
        mount = folder / "mount"
        for parent in (key.parent, mount):
            parent.mkdir()
        key.write_text(f"{secret}\n")
        (mount / "harness.py").write_text("harness = 1\n")
        abstract = f"ratchet-{secrets.token_hex(8)}"
        tcp = _socket(stack, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        udp = _socket(stack, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        named = _socket(stack, socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "engine.sock"))
        unnamed = _socket(stack, socket.AF_UNIX, socket.SOCK_STREAM, f"\0{abstract}")
        _serve(stack, (tcp, udp, named, unnamed), secret.encode())
        sleeper = stack.enter_context(subprocess.Popen(["sleep", "600"], env={"RATCHET_BAIT": secret}))
        stack.callback(sleeper.kill)
        facts: dict[str, Fact] = {
            "folder": name,
            "home": str(Path.home()),
            "keys": [str(key), str(Path.home() / ".ssh" / "id_rsa")],
            "socket": str(folder / "engine.sock"),
            "abstract": abstract,
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "pid": sleeper.pid,
        }
        yield Bait(secret, facts, mount)


def _socket(stack: ExitStack, family: int, kind: int, address: str | tuple[str, int]) -> socket.socket:
    server = stack.enter_context(socket.socket(family, kind))
    server.bind(address)
    if kind == socket.SOCK_STREAM:
        server.listen()
    return server


def _serve(stack: ExitStack, servers: tuple[socket.socket, ...], secret: bytes) -> None:
    """Answer everybody with the secret, in a thread that ends with the stack."""
    stop, stopped = os.pipe()
    selector = stack.enter_context(selectors.DefaultSelector())
    sources: tuple[int | socket.socket, ...] = (stop, *servers)
    for source in sources:
        selector.register(source, selectors.EVENT_READ)
    thread = Thread(target=_answer, args=(selector, stop, secret), daemon=True)
    thread.start()
    for close in (stop, stopped):
        stack.callback(os.close, close)
    stack.callback(thread.join)
    stack.callback(os.write, stopped, b"!")


def _answer(selector: selectors.BaseSelector, stop: int, secret: bytes) -> None:
    while True:
        for key, _ in selector.select():
            server = key.fileobj
            if server == stop or not isinstance(server, socket.socket):
                return
            if server.type == socket.SOCK_DGRAM:
                server.sendto(secret, server.recvfrom(16)[1])
            else:
                with server.accept()[0] as client:
                    client.sendall(secret)
