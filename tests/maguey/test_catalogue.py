import re
from pathlib import Path

import pytest
from babel.messages import Catalog
from django.core.management import call_command
from pytest_django.fixtures import Settings

from maguey import catalogue

PLACES = re.compile(r"%\(\w+\)s|\{\w+\}")


def ids(found: Catalog) -> set[str]:
    return {str(message.id) for message in found if message.id}


def test_every_sentence_is_in_the_catalogue_and_none_is_gone() -> None:
    assert ids(catalogue.kept()) == ids(catalogue.template()), "run `make messages`"


def test_every_sentence_is_translated() -> None:
    assert catalogue.missing(catalogue.kept()) == []


def test_what_programs_read_is_what_people_edit() -> None:
    assert catalogue.po_path().with_suffix(".mo").read_bytes() == catalogue.as_mo(catalogue.kept()), (
        "run `make messages`"
    )


def test_every_translation_has_the_same_places_to_fill() -> None:
    for message in catalogue.kept():
        sides = [message.id, message.string]
        asked, answered = (set(PLACES.findall(" ".join([side] if isinstance(side, str) else side))) for side in sides)
        assert asked == answered, message.id


def test_no_translation_is_the_sentence_itself() -> None:
    same = {message.id for message in catalogue.kept() if message.id and message.id == message.string}

    assert same == {"Premium", "Total"}


@pytest.mark.parametrize(
    ("name", "source", "sentence"),
    [
        ("tickets/new.py", 'words = _("A new sentence.")', "A new sentence."),
        ("tickets/new.py", 'words = ngettext("%(n)s night", "%(n)s nights", n)', ("%(n)s night", "%(n)s nights")),
        (
            "vip/exceptions.py",
            'class TableGone(VipError):\n    """That table has just gone."""',
            "That table has just gone.",
        ),
        ("templates/new.html", "<p>{% translate 'A new sentence.' %}</p>", "A new sentence."),
        ("templates/new.html", "{% if a %}\n   <p>\n {% translate 'Deep.' %}{% endif %}", "Deep."),
        (
            "templates/new.txt",
            "{% blocktranslate trimmed with a=b %}\n  Hello\n  {{ a }}.\n{% endblocktranslate %}",
            "Hello %(a)s.",
        ),
        (
            "templates/new.html",
            "{% blocktranslate count n=n %}One{% plural %}{{ n }} of them{% endblocktranslate %}",
            ("One", "%(n)s of them"),
        ),
        ("templates/new.html", "{% include 'a.html' with words=_('In an argument') %}", "In an argument"),
    ],
)
def test_a_sentence_is_found_wherever_it_is_said(
    tmp_path: Path, name: str, source: str, sentence: str | tuple[str, ...]
) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(source)

    assert [message for _, _, message in catalogue.find_messages(tmp_path)] == [sentence]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("owners/new.py", '_("The console speaks English.")'),
        ("templates/admin/new.html", "{% translate 'So do its pages.' %}"),
        ("payments/sandbox/new.py", '_("The stand-in has words of its own.")'),
        ("tickets/new.py", 'class Thing:\n    """Be no refusal."""'),
        ("tickets/new.py", "_(refusal.sentence)"),
    ],
)
def test_what_is_not_said_to_guests_is_left_out(tmp_path: Path, name: str, source: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(source)

    assert list(catalogue.find_messages(tmp_path)) == []


def test_a_sentence_without_a_sure_translation_is_missing() -> None:
    found = Catalog(locale="es")
    found.add("sure", "seguro")
    found.add("open", "")
    found.add("unsure", "tal vez", flags=["fuzzy"])
    found.add(("one", "many"), ("uno", ""))

    assert catalogue.missing(found) == ["open", "unsure", "('one', 'many')"]


def test_bringing_up_to_date_keeps_translations_and_drops_what_is_gone(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.LOCALE_PATHS = [tmp_path]
    call_command("messages")
    assert "not translated: Sold out" in capsys.readouterr().out
    found = catalogue.kept()
    found["Sold out"].string = "Agotado"
    found.add("A sentence of long ago", "Una frase de hace mucho")
    catalogue.po_path().write_bytes(catalogue.as_po(found))

    waiting = catalogue.update()

    kept = catalogue.kept()
    assert kept["Sold out"].string == "Agotado"
    assert "Sold out" not in waiting
    assert "A sentence of long ago" not in kept
    assert catalogue.po_path().with_suffix(".mo").read_bytes() == catalogue.as_mo(kept)
