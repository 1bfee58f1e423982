"""Many at one door: prepared requests over connections that stay open, with as little work as a client can do."""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

ANSWER_SECONDS = 30.0


@dataclass
class Course:
    """How a stampede went: each answer's time in seconds, the statuses, and how long it took in all."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Return the answers a second."""
        return len(self.times) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Return the time within which this share of all answers came, in milliseconds."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered), math.ceil(len(ordered) * share)) - 1] * 1000


def request(method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """Write a request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def send_all(port: int, requests: Iterable[bytes], *, at_once: int) -> Course:
    """Send requests to our own machine, so many at once, each connection with its next as soon as it has an answer."""
    return asyncio.run(_send_all(port, deque(requests), at_once))


async def _send_all(port: int, waiting: deque[bytes], at_once: int) -> Course:
    course = Course()
    began = time.perf_counter()
    await asyncio.gather(*(_use_a_connection(port, waiting, course) for _ in range(at_once)))
    course.seconds = time.perf_counter() - began
    return course


async def _use_a_connection(port: int, waiting: deque[bytes], course: Course) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while waiting:
        sent = waiting.popleft()
        began = time.perf_counter()
        writer.write(sent)
        status, body, stays_open = await asyncio.wait_for(_answer(reader), ANSWER_SECONDS)
        course.times.append(time.perf_counter() - began)
        course.statuses[status] += 1
        course.bodies.append(body)
        if not stays_open:
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
    return int(head.split(None, 2)[1]), await reader.readexactly(length), b"connection: close" not in head
