"""Lists: newest first, paged by id, filtered ("Pagination")."""

import json
from collections.abc import Callable

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record, record_from
from payments.sandbox.stripe.errors import invalid, missing_object

COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
MOST = 100


class Question:
    """One list query, put together piece by piece."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._wheres = ["kind = ?"]
        self._values: list[object] = [kind]

    def where(self, sql: str, *values: object) -> None:
        """Narrow the list."""
        self._wheres.append(sql)
        self._values.extend(values)

    def equals(self, path: str, value: object) -> None:
        """Keep only objects with this value at a JSON path."""
        if value is not None:
            self.where(f"json_extract(body, '$.{path}') = ?", value)

    def created(self, value: object) -> None:
        """Keep only objects made at, before or after a moment."""
        if isinstance(value, int):
            self.where("created = ?", value)
        elif isinstance(value, dict):
            for word, bound in value.items():
                self.where(f"created {COMPARISONS[word]} ?", bound)

    def run(self, work: Work, *, limit: int, order: str) -> list[Record]:
        """Return the first objects of the list."""
        sql = f"SELECT * FROM objects WHERE {' AND '.join(self._wheres)} ORDER BY seq {order} LIMIT ?"  # noqa: S608
        return [record_from(row) for row in work.store.rows(sql, *self._values, limit)]


def page(
    work: Work, question: Question, params: Json, url: str, show: Callable[[Record], Json] = lambda record: record.body
) -> Json:
    """Return one page of a list."""
    limit = int(params.get("limit", 10))
    if not 1 <= limit <= MOST:
        bound = f"less than or equal to {MOST}" if limit > MOST else "greater than or equal to 1"
        raise invalid(f"This value must be {bound}.", "limit", "parameter_invalid_integer")
    question.created(params.get("created"))
    backwards = "ending_before" in params
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            question.where(f"seq {sign} ?", place_of(work, question.kind, params[name], name))
    found = question.run(work, limit=limit + 1, order="ASC" if backwards else "DESC")
    shown = found[:limit]
    if backwards:
        shown.reverse()
    return {"object": "list", "data": [show(record) for record in shown], "has_more": len(found) > limit, "url": url}


def place_of(work: Work, kind: str, id_: str, param: str) -> int:
    """Return an object's place in the list."""
    rows = work.store.rows("SELECT seq FROM objects WHERE id = ? AND kind = ?", id_, kind)
    if not rows:
        raise missing_object(kind, id_, param)
    return int(rows[0]["seq"])


def plain_list(data: list[Json], url: str, *, limit: int = MOST) -> Json:
    """Return a short list whole."""
    return {"object": "list", "data": json.loads(json.dumps(data[:limit])), "has_more": len(data) > limit, "url": url}
