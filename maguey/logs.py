"""What processes say of their work: one line an event, with the request or task it belongs to, and nobody's secrets."""

import re
from typing import Any

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "[hidden]"
SECRET_KEYS = re.compile(
    r"passw|secret|token|authorization|cookie|card|email|phone|signature|address|line[12]|postal|forwarded|remote_addr",
    re.IGNORECASE,
)
SECRETS = (
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),  # a password in an address
    re.compile(r"(?<![\w.+-])[\w.+-]++(?:@|%40)[\w-]+(?:\.[\w-]+)+"),  # an email
    re.compile(r"(?<=_secret_)\w+"),  # what lets a browser pay
    re.compile(r"\b(?:[sr]k_(?:test|live)|whsec)_\w+"),  # a provider's keys
    re.compile(r"(?<=Bearer )\S+", re.IGNORECASE),
    re.compile(
        r"(?<![\w-])(?=[\w-]*[A-Z0-9])[\w-]{22}(?![\w-])"
    ),  # 128 random bits: a guest's key to an order, ticket or table
    re.compile(r"\+\d[\d ()-]{7,}\d"),  # a telephone
    re.compile(r"(?<=Failing row contains )\(.*"),  # PostgreSQL's own words for a guest's row
    re.compile(
        r"\b\d{1,5} (?:[A-Z][\w.'-]* ){1,4}(?:St|Street|Ave|Avenue|Rd|Road|Blvd|Boulevard|Ln|Lane|Dr|Drive|Ct|Way)\b"
    ),
    re.compile(r"(?<![\d.])(?!127\.|10\.|192\.168\.)\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)"),  # where somebody is
    re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){2,7}(?::[0-9a-f]{1,4}){1,6}(?![\w:])", re.IGNORECASE),
    re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE),
)
CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
# What none of those can be found in, so that it need not be looked for: a few plain words, or one of our own ids.
PLAIN = re.compile(
    r"(?!.*(?:_secret_|bearer |whsec_|[sr]k_))[a-z_ .-]{0,21}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)
# What we say of every line ourselves.
OURS = frozenset({"timestamp", "level", "logger"})


class QuietRequestMiddleware(RequestMiddleware):
    """Names each request without its query, where guests' words and providers' secrets are."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Write the method and the path."""
        return f"{request.method} {request.path}"


def hide(text: str) -> str:
    """Return the text without emails, telephones, keys and card numbers."""
    if PLAIN.fullmatch(text):
        return text
    for secret in SECRETS:
        text = secret.sub(MASK, text)
    return CARD.sub(MASK, text)


def scrubbed(value: Any) -> Any:  # Any: whatever somebody logs
    """Return the value with every secret in it hidden."""
    if isinstance(value, dict):
        return {key: MASK if SECRET_KEYS.search(str(key)) else scrubbed(held) for key, held in value.items()}
    if isinstance(value, list | tuple | set):
        return [scrubbed(held) for held in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return hide(str(value))


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide every secret of one line, its traceback's too."""
    ours = {name: event.pop(name) for name in OURS & event.keys()}
    cleaned: EventDict = scrubbed(event)
    return {**cleaned, **ours}


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure() -> None:
    """Lead structlog's lines to the handlers of Python's own logging."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *SHARED, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def formatter(*, readable: bool) -> dict[str, Any]:  # Any: as logging's own configuration
    """Describe how a line is written: for people, or as JSON for programs."""
    written = structlog.dev.ConsoleRenderer(colors=False) if readable else structlog.processors.JSONRenderer()
    return {
        "()": ProcessorFormatter,
        "foreign_pre_chain": SHARED,
        "processors": [
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            scrub,
            written,
        ],
    }
