import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from maguey import offline

pytestmark = pytest.mark.django_db


def test_a_worker_keeps_one_page_in_its_language_and_what_it_is_drawn_with() -> None:
    answer = Client().get("/offline-es.js")

    named = [path.encode().decode("unicode_escape") for path in re.findall(r'"(/[^"]+)"', answer.content.decode())]
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert named == ["/offline/es/", *(f"/static/{name}" for name in offline.DRAWN_WITH)]
    assert all(finders.find(name) for name in offline.DRAWN_WITH)


@pytest.mark.parametrize(("language", "words"), [("en", "There is no signal"), ("es", "No hay señal")])
def test_the_page_speaks_the_language_of_its_address(language: str, words: str) -> None:
    page = Client(headers={"accept-language": "de"}).get(f"/offline/{language}/").content.decode()

    assert f'<html lang="{language}">' in page
    assert words in page
    assert '<a class="button" href="">' in page


def test_a_language_we_do_not_speak_has_neither() -> None:
    assert Client().get("/offline/de/").status_code == Client().get("/offline-de.js").status_code == 404
