"""How Stripe says no ("Errors", "Error codes")."""

from payments.sandbox.json_types import Json

DOC_URL = "https://stripe.com/docs/error-codes/{code}"


class ApiError(Exception):
    """The API refuses a request."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        extra: Json | None = None,
        keep_changes: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        # A decline is an answer of 402 whose traces stay: the failed charge, the events.
        self.keep_changes = keep_changes
        self.error: Json = {"message": message, "type": type_}
        if code:
            self.error |= {"code": code, "doc_url": doc_url(code)}
        if param:
            self.error["param"] = param
        self.error |= extra or {}

    @property
    def is_validation(self) -> bool:
        """Say whether a parameter was refused before execution began: such an answer is not kept for its key."""
        return (self.status == 400 and "param" in self.error) or self.error.get("code") == "sandbox_not_built"

    @property
    def body(self) -> Json:
        """Return the answer's body."""
        return {"error": self.error}


def doc_url(code: str) -> str:
    """Return the page that explains an error code."""
    return DOC_URL.format(code=code.replace("_", "-"))


def unknown_parameter(name: str) -> ApiError:
    """Refuse a parameter that Stripe does not know."""
    return ApiError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def missing_parameter(name: str) -> ApiError:
    """Refuse a request that lacks a parameter."""
    return ApiError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)


def invalid(message: str, param: str, code: str | None = None) -> ApiError:
    """Refuse a parameter's value."""
    return ApiError(400, message, code=code, param=param)


def missing_object(noun: str, id_: str, param: str) -> ApiError:
    """Refuse an id that names nothing."""
    return ApiError(404, f"No such {noun}: '{id_}'", code="resource_missing", param=param)


def not_built(message: str, param: str | None = None) -> ApiError:
    """Refuse what Stripe can do and this sandbox cannot."""
    return ApiError(404, f"SANDBOX: not built: {message}", code="sandbox_not_built", param=param)


def unauthenticated(message: str) -> ApiError:
    """Refuse a request without a known key."""
    return ApiError(401, message)
