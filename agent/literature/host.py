"""A host: the server of one source of literature, asked politely and believed little."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from agent.literature.gate import PATIENCE_SECONDS, Gate, out
from agent.literature.source import OutError

if TYPE_CHECKING:
    import httpx

AGENT = "Ratchet/0.1 (machine-learning research; literature search)"
TRIES = 3
"""Of one request, before the source is out."""
COOLING_SECONDS = 300.0
"""That a source is out when it failed every try and did not say for how long."""
MOST_REDIRECTS = 3
OK, REDIRECTS, MISSING, REFUSED, TOO_MANY, BROKEN = 200, (301, 302, 303, 307, 308), (404, 410), (401, 403), 429, 500


class Reach(NamedTuple):
    """How far one request may go."""

    seconds: float = 20.0
    """Without a byte."""
    total_seconds: float = 60.0
    bytes: int = 4 << 20


REACH = Reach()


class Heard(NamedTuple):
    """What came of one try."""

    status: int
    """0 when nothing came."""
    said: str
    """In words."""
    kind: str = ""
    """Its content type."""
    body: bytes = b""
    retry_after: float | None = None


class Host:
    """Makes GET requests: one at a time, at the gate's pace, few tries, capped in size, time and reach; no cookies."""

    def __init__(  # noqa: PLR0913 (what differs between sources, each with a name)
        self,
        base_url: str,
        gate: Gate,
        kind: Literal["json", "xml"],
        *,
        headers: Mapping[str, str] | None = None,
        renewed: Callable[[datetime], datetime] | None = None,
        advice: str = "",
        reach: Reach = REACH,
    ) -> None:
        """Speak to `base_url`.

        `headers` may hold a key; nothing here repeats them, nor any address. `renewed` says when the allowance is there
        again that a 429 declares used up; `advice` says what would help against one.
        """
        self.base_url = base_url.rstrip("/")
        self._name = gate.name
        self._gate = gate
        self._kind = kind
        self._headers = {"User-Agent": AGENT, "Accept-Encoding": "identity", **(headers or {})}
        self._renewed = renewed
        self._advice = f"; {advice}" if advice else ""
        self._reach = reach

    def get(self, path: str, parameters: Mapping[str, str]) -> bytes | None:
        """Give the body of an answer of the right kind; None when there is no such record. Raises `OutError`."""
        for attempt in range(1, TRIES + 1):
            with self._gate.turn():
                heard = self._ask(path, parameters)
                if heard.status and heard.status != TOO_MANY and heard.status < BROKEN:
                    return self._read(heard)
                self._put_off(heard, attempt)
        raise AssertionError("the last try puts the source out")

    def json(self, path: str, parameters: Mapping[str, str], missing: object = None) -> object:
        """Give what the body says as JSON, or `missing` when there is no such record. Raises `OutError`."""
        body = self.get(path, parameters)
        try:
            return missing if body is None else json.loads(body)
        except (ValueError, RecursionError) as error:
            raise OutError(f"{self._name} answered with JSON that cannot be read.") from error

    def _read(self, heard: Heard) -> bytes | None:
        if heard.status in MISSING:
            return None
        if heard.status in REFUSED:
            self._out(COOLING_SECONDS, f"{heard.said}: the key, if one is set, is not accepted, or the address is not")
        if heard.status != OK:
            raise OutError(f"{self._name} did not take the request: {heard.said}.")
        if self._kind not in heard.kind:
            raise OutError(f"{self._name} answered with {heard.kind or 'something'} instead of {self._kind.upper()}.")
        return heard.body

    def _put_off(self, heard: Heard, attempt: int) -> None:
        """Have the gate wait for the next try, or put the source out."""
        seconds = heard.retry_after
        said = f"{heard.said}{self._advice if heard.status == TOO_MANY else ''}"
        if heard.status == TOO_MANY and self._renewed and (seconds is None or seconds > PATIENCE_SECONDS):
            now = self._gate.now()
            self._out((self._renewed(now) - now).total_seconds(), f"its allowance for the day is used up, {said}")
        if seconds is not None and seconds > PATIENCE_SECONDS:
            self._out(seconds, f"it asked to wait {seconds:.0f} s, {said}")
        if attempt == TRIES:
            self._out(max(COOLING_SECONDS, seconds or 0.0), f"{TRIES} times in a row {said}")
        self._gate.pause(2.0 ** (attempt - 1) if seconds is None else seconds, heard.said)

    def _out(self, seconds: float, why: str) -> None:
        until = self._gate.pause(seconds, why)
        raise OutError(out(self._name, until, why))

    def _ask(self, path: str, parameters: Mapping[str, str]) -> Heard:
        """Make one try, following redirects that stay on the host."""
        import httpx

        address = httpx.URL(f"{self.base_url}{path}", params=dict(parameters))
        # A new client each time keeps no cookies, and its transport, asked directly, logs no address with a key in it.
        try:
            with httpx.HTTPTransport(proxy=proxy(address)) as transport:
                for _ in range(MOST_REDIRECTS + 1):
                    request = self._request(address)
                    response = transport.handle_request(request)
                    response.request = request
                    if response.status_code not in REDIRECTS:
                        return self._hear(response)
                    response.close()
                    address = self._redirected(address, response)
        except httpx.TransportError as error:
            return Heard(status=0, said=f"it could not be reached ({type(error).__name__})")
        raise OutError(f"{self._name} redirects in a circle.")

    def _request(self, address: httpx.URL) -> httpx.Request:
        import httpx

        timeout = httpx.Timeout(self._reach.seconds).as_dict()
        return httpx.Request("GET", address, headers=self._headers, extensions={"timeout": timeout})

    def _redirected(self, address: httpx.URL, response: httpx.Response) -> httpx.URL:
        target = address.join(response.headers.get("location", ""))
        if (target.scheme, target.netloc) != (address.scheme, address.netloc):
            raise OutError(f"{self._name} redirects to another host, {target.host[:100]}; it is not followed there.")
        return target

    def _hear(self, response: httpx.Response) -> Heard:
        status = response.status_code
        self._keep_pace(response.headers)
        try:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise OutError(f"{self._name} compressed its answer though it was asked not to.")
            return Heard(
                status=status,
                said=f"it answered {status}",
                kind=response.headers.get("content-type", "").split(";")[0].strip()[:60],
                body=self._body(response),
                retry_after=retry_after(response.headers.get("retry-after", ""), self._gate.now()),
            )
        finally:
            response.close()

    def _body(self, response: httpx.Response) -> bytes:
        end = time.monotonic() + self._reach.total_seconds
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > self._reach.bytes:
                raise OutError(f"{self._name} answered with more than {self._reach.bytes} bytes.")
            if time.monotonic() > end:
                raise OutError(f"{self._name} took more than {self._reach.total_seconds:g} s for its answer.")
        return bytes(body)

    def _keep_pace(self, headers: Mapping[str, str]) -> None:
        """Go by the pace that a host prints on its answers: so many requests in such a time, `50` in `1s`."""
        number, period = headers.get("x-rate-limit-limit", ""), headers.get("x-rate-limit-interval", "").rstrip("s")
        if number.isdecimal() and period.isdecimal() and int(number):
            self._gate.slow(int(period) / int(number))


def proxy(address: httpx.URL) -> str | None:
    """Find the proxy that the environment names for an address."""
    from urllib.request import getproxies, proxy_bypass

    return None if proxy_bypass(address.host) else getproxies().get(address.scheme)


def retry_after(text: str, now: datetime) -> float | None:
    """Read a Retry-After header, seconds or a date, as seconds from now."""
    if text.strip().isascii() and text.strip().isdecimal():
        return float(text.strip()[:12])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds())


def midnight(now: datetime) -> datetime:
    """Give the next midnight, UTC."""
    return (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
