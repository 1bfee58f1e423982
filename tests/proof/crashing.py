"""A process that dies at its k-th point: before any SQL statement, around any commit, around any call.

Between two commits or calls nothing lasts, so a death before one statement, or before the commit, leaves what a death
before the next one leaves: where `everywhere` is not asked for, only the first of them after something lasting is a
point, with every moment after a commit and around a call.

`Crash` is no `Exception`, so nothing in the product can catch it; the connection is closed as a
dead process's is, so what was not committed is gone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection

from tests.fakes import FakeProvider


class Crash(BaseException):
    """The process is gone."""


@dataclass
class FaultPoints:
    """Counts the points a flow passes, and dies at the k-th; k = 0 only counts."""

    k: int = 0
    everywhere: bool = True
    passed: list[str] = field(default_factory=list)
    lasted: bool = True  # something since the last point that a death does not undo

    def reach(self, name: str) -> None:
        """Pass a point, or die at it."""
        self.lasted = False
        self.passed.append(name)
        if len(self.passed) == self.k:
            connection.close()
            raise Crash(name)


@contextmanager
def fault_points(k: int, provider: FakeProvider, *, everywhere: bool) -> Iterator[FaultPoints]:
    """Watch everything this process does, and end it at the k-th point."""
    points = FaultPoints(k, everywhere)

    def before_sql(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if points.everywhere or points.lasted:
            points.reach(f"before {sql[:60]}")
        answer = execute(sql, params, many, context)
        points.lasted = points.lasted or not connection.in_atomic_block
        return answer

    commit = connection._commit

    def around_commit() -> None:
        if points.everywhere or points.lasted:
            points.reach("before COMMIT")
        commit()
        points.reach("after COMMIT")

    with pytest.MonkeyPatch.context() as patched, connection.execute_wrapper(before_sql):
        patched.setattr(connection, "_commit", around_commit)
        patched.setattr(provider, "at_point", points.reach)
        yield points


def dies(k: int, provider: FakeProvider, act: Callable[[], object], *, everywhere: bool = True) -> str:
    """Run an act in a process that dies at its k-th point; return where, or nothing once it outlives k."""
    try:
        with fault_points(k, provider, everywhere=everywhere):
            act()
    except Crash as crash:
        return str(crash)
    return ""
