"""The schema as drf-spectacular writes it, with every no that a program may hear."""

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema

from maguey.api.keys import StaffKeys
from maguey.api.problems import CONTENT_TYPE
from maguey.api.shapes import ProblemShape

EVERYWHERE = ("406", "429")
OF_ONE_THING = ("404",)
OF_STAFF = ("400", "401", "403")
OF_A_POST = ("400", "404", "409", "415", "422", "502", "503")

RETRY_AFTER = {
    "Retry-After": {"description": "In how many seconds it is worth asking again.", "schema": {"type": "integer"}}
}
REPLAYED = {
    "Idempotent-Replayed": {
        "description": "There where this is the first answer, given again for its key.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


class ProblemSchema(AutoSchema):
    """Add the problem documents to each operation's answers, and the headers a program must heed."""

    def get_summary(self) -> str:
        """Say in one line what an operation does."""
        return super().get_description().partition("\n\n")[0]

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it, which is not typed
        """Say the rest of it."""
        return super().get_description().partition("\n\n")[2]

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:  # Any: OpenAPI's own objects
        answers: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._refusals():
            if status not in answers:
                answer = self._get_response_for_code(ProblemShape, status, [CONTENT_TYPE], direction)  # type: ignore[no-untyped-call]  # drf-spectacular's own
                answers[status] = answer
        for status, answer in answers.items():
            if status in {"409", "429"}:
                answer["headers"] = RETRY_AFTER
            elif self.method == "POST" and status in {"200", "201"}:
                answer["headers"] = REPLAYED
        return answers

    def _refusals(self) -> tuple[str, ...]:
        found = OF_A_POST if self.method == "POST" else OF_ONE_THING if "{" in self.path else ()
        of_staff = OF_STAFF if StaffKeys in self.view.authentication_classes else ()
        return tuple(dict.fromkeys((*found, *of_staff, *EVERYWHERE)))
