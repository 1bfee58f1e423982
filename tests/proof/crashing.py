"""A process that dies at its k-th point: before any SQL statement, around any commit, around any call.

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
    passed: list[str] = field(default_factory=list)

    def reach(self, name: str) -> None:
        """Pass a point, or die at it."""
        self.passed.append(name)
        if len(self.passed) == self.k:
            connection.close()
            raise Crash(name)


@contextmanager
def fault_points(k: int, provider: FakeProvider) -> Iterator[FaultPoints]:
    """Watch everything this process does, and end it at the k-th point."""
    points = FaultPoints(k)

    def before_sql(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        points.reach(f"before {sql[:60]}")
        return execute(sql, params, many, context)

    commit = connection._commit

    def around_commit() -> None:
        points.reach("before COMMIT")
        commit()
        points.reach("after COMMIT")

    with pytest.MonkeyPatch.context() as patched, connection.execute_wrapper(before_sql):
        patched.setattr(connection, "_commit", around_commit)
        patched.setattr(provider, "at_point", points.reach)
        yield points


def dies(k: int, provider: FakeProvider, act: Callable[[], object]) -> str:
    """Run an act in a process that dies at its k-th point; return where, or nothing once it outlives k."""
    try:
        with fault_points(k, provider):
            act()
    except Crash as crash:
        return str(crash)
    return ""
