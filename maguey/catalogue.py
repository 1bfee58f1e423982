"""The catalogue of what guests read: found in the source, kept as .po, compiled to .mo; without GNU gettext."""

import ast
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

LANGUAGE = "es"
SPOKEN_TO_GUESTS = ("payments", "tickets", "vip", "maguey")
# The console speaks English, the provider's stand-in has words of its own, and no guest hears of rows.
NOT_FOR_GUESTS = (
    "payments/models/rows.py", "payments/sandbox",
    "maguey/demo", "maguey/embedded", "maguey/supervisor", "templates/admin", "templates/outbox",
)  # fmt: skip
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
}
WRITTEN_ON = datetime(2026, 11, 21, tzinfo=UTC)  # no clock here: what is kept changes only when words do

Found = tuple[str, int, str | tuple[str, ...]]


def po_path() -> Path:
    """Return where the translations are kept."""
    return Path(settings.LOCALE_PATHS[0]) / LANGUAGE / "LC_MESSAGES" / "django.po"


def find_messages(root: Path) -> Iterator[Found]:
    """Find every sentence in the source: what gettext is called with, in Python and templates, and refusals."""
    for path in sorted(sources(root)):
        name, source = path.relative_to(root).as_posix(), path.read_text()
        if path.suffix != ".py":
            source = template_as_python(source)
        for line, message, *_ in extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS):
            yield name, line, message
        if path.suffix == ".py":
            for line, sentence in refusals(source):
                yield name, line, sentence


def sources(root: Path) -> Iterator[Path]:
    """Return the files that speak to guests."""
    found = [path for app in SPOKEN_TO_GUESTS for path in (root / app).rglob("*.py")]
    found += [path for path in (root / "templates").rglob("*") if path.suffix in (".html", ".txt")]
    for path in found:
        if not path.relative_to(root).as_posix().startswith(NOT_FOR_GUESTS):
            yield path


def template_as_python(source: str) -> str:
    """Turn a template's tags into calls of gettext; lines stay where they are, without their margin."""
    return "\n".join(line.strip() for line in templatize(source).splitlines())


def refusals(source: str) -> Iterator[tuple[int, str]]:
    """Find the sentences guests may be refused with: the docstrings of exceptions that are shown to them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and is_refusal(node):
            sentence = ast.get_docstring(node, clean=False)
            if sentence:
                yield node.lineno, sentence.strip()


def is_refusal(node: ast.ClassDef) -> bool:
    """Say whether a class is an exception with a sentence for guests: its base's, or one of its own."""
    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
    has_sentence = any(isinstance(part, ast.FunctionDef) and part.name == "sentence" for part in node.body)
    return has_sentence or any(base.endswith("Error") or base == "GatewayUnavailable" for base in bases)


def template() -> Catalog:
    """Return the catalogue of everything found, untranslated."""
    found = Catalog(
        locale=LANGUAGE,
        header_comment="# What Maguey says to guests, in Mexican Spanish. `make messages` brings it up to the source.",
        project="Maguey",
        version="1",
        last_translator="Maguey",
        language_team="Maguey",
        msgid_bugs_address="hola@maguey.example",
        creation_date=WRITTEN_ON,
        revision_date=WRITTEN_ON,
        charset="utf-8",
        fuzzy=False,
    )
    for name, line, message in find_messages(Path(settings.BASE_DIR)):
        found.add(message, locations=[(name, line)])
    return found


def kept() -> Catalog:
    """Return the catalogue as it is kept."""
    with po_path().open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def update() -> list[str]:
    """Bring what is kept up to the source, drop what is gone, compile; return what waits for a translation."""
    catalogue = kept() if po_path().exists() else template()
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    po_path().parent.mkdir(parents=True, exist_ok=True)
    po_path().write_bytes(as_po(catalogue))
    po_path().with_suffix(".mo").write_bytes(as_mo(catalogue))
    return missing(catalogue)


def as_po(catalogue: Catalog) -> bytes:
    """Return a catalogue as people edit it; with files and no lines, so that it changes only when words do."""
    written = io.BytesIO()
    write_po(written, catalogue, sort_output=True, omit_header=False, include_lineno=False, width=110)
    return written.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """Return a catalogue as programs read it."""
    written = io.BytesIO()
    write_mo(written, catalogue)
    return written.getvalue()


def missing(catalogue: Catalog) -> list[str]:
    """Return the sentences that have no translation, or an uncertain one."""
    return [str(message.id) for message in catalogue if message.id and (message.fuzzy or not is_translated(message))]


def is_translated(message: Message) -> bool:
    """Say whether a sentence has its translation, in every number."""
    return all(message.string) if isinstance(message.string, (tuple, list)) else bool(message.string)
