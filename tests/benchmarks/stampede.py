"""Many at one door: prepared requests over connections that stay open, with as little work as a client can do."""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

ANSWER_SECONDS = 30.0
PER_ADDRESS = 50


@dataclass
class Course:
    """How a stampede went: each answer's time in seconds, the statuses, and how long it took in all."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Return the answers a second."""
        return len(self.times) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Return the time within which this share of all answers came, in milliseconds."""
        return percentile(self.times, share) * 1000


def percentile(times: list[float], share: float) -> float:
    """Return the value below which this share of all lies."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def request(method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """Write a request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


_numbers = count()


class Line:
    """A connection from an address of its own, opened anew when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        number = next(_numbers)
        self._local = (f"127.{2 + number // 60_000}.{number // 240 % 250}.{1 + number % 240}", 0)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, sent: bytes) -> tuple[int, bytes]:
        """Send a request and return the status and the body; once more where the server had hung up meanwhile."""
        is_kept = self._writer is not None
        try:
            return await self._send(sent)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.close()
            if not is_kept or getattr(error, "partial", b""):
                raise
        return await self._send(sent)

    async def _send(self, sent: bytes) -> tuple[int, bytes]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=self._local)
        self._writer.write(sent)
        status, body, stays_open = await asyncio.wait_for(answer(self._reader), ANSWER_SECONDS)
        if not stays_open:
            self.close()
        return status, body

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    """Read an answer: its status, its body, and whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"\r\ntransfer-encoding: chunked" in head:
        body = b"".join([chunk async for chunk in chunks(reader)])
    else:
        body = await reader.readexactly(int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0))
    return int(head.split(None, 2)[1]), body, b"connection: close" not in head


async def chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Read a body that comes in parts, each with its length in front."""
    while length := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        yield await reader.readexactly(length)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")


def send_all(port: int, requests: Iterable[bytes], *, at_once: int) -> Course:
    """Send requests to our own machine, so many at once, each connection with its next as soon as it has an answer."""
    return asyncio.run(_send_all(port, deque(requests), at_once))


def taken(waiting: deque[bytes], most: int) -> Iterator[bytes]:
    """Take what waits, one by one as each is asked for, so many at most."""
    for _ in range(most):
        if waiting:
            yield waiting.popleft()


async def _send_all(port: int, waiting: deque[bytes], at_once: int) -> Course:
    course = Course()
    began = time.perf_counter()
    await asyncio.gather(*(_use(port, waiting, course) for _ in range(at_once)))
    course.seconds = time.perf_counter() - began
    return course


async def _use(port: int, waiting: deque[bytes], course: Course) -> None:
    """Send what waits; from another address now and then: the server's turns are uneven, and it counts addresses."""
    while waiting:
        line = Line(port)
        for sent in taken(waiting, PER_ADDRESS):
            began = time.perf_counter()
            status, _ = await line.ask(sent)
            course.times.append(time.perf_counter() - began)
            course.statuses[status] += 1
        line.close()
