"""The one loose type of the sandbox."""

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]  # Any: JSON, whose shape is proven against the SDK's annotations in the tests
