from datetime import timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from payments import retrying
from tests.buying import clock
from tests.factories.vip import TableFactory, buy_table
from tests.fakes import FakeProvider
from vip import cancelling, documents, joining

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_host_has_every_pass_in_one_pdf(provider: FakeProvider, client: Client) -> None:
    party = buy_table(provider, size=3)

    answer = client.get(f"/tables/{party.host_code}/passes.pdf")
    pages = [documents.page_of(party, seat) for seat in party.passes.order_by("number")]

    assert (answer.status_code, answer["Content-Type"], answer.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert answer.content.count(b"/Type /Page\n") + answer.content.count(b"/Type/Page\n") in {0, 3}
    assert [page["place"] for page in pages] == ["Seat 1 of 3", "Seat 2 of 3", "Seat 3 of 3"]
    assert (pages[0]["holder"], pages[1]["holder"]) == ("Ana Ruiz", "Guest of Ana Ruiz")


def test_a_pass_names_every_table_of_its_party(provider: FakeProvider) -> None:
    one = TableFactory.create(code="F1", x=330)
    TableFactory.create(event=one.event, code="F2", x=440)
    party = buy_table(provider, one)
    joining.join(party.pk, "F2", by_id=None, now=clock())

    assert documents.page_of(party, party.passes.get(number=1))["type"] == "Table F1 + F2"


def test_the_calendar_entry_leads_to_the_hosts_page(provider: FakeProvider, client: Client) -> None:
    party = buy_table(provider)

    entry = client.get(f"/tables/{party.host_code}/night.ics").content.decode().replace("\r\n ", "")

    assert f"/tables/{party.host_code}/" in entry
    assert f"UID:{party.order_id}@maguey" in entry


def test_a_party_without_its_table_has_no_files(provider: FakeProvider, client: Client) -> None:
    party = buy_table(provider)
    cancelling.cancel_by_venue(party.pk, reason="x", by_id=None, now=clock())

    assert client.get(f"/tables/{party.host_code}/passes.pdf").status_code == 404
    assert client.get(f"/tables/{party.host_code}/night.ics").status_code == 404


def test_the_confirmation_brings_passes_and_calendar(
    provider: FakeProvider, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    buy_table(provider)

    retrying.run_due(now=clock() + timedelta(seconds=5))

    letter = next(letter for letter in mailoutbox if "PDF" in str(letter.attachments) or letter.attachments)
    assert [attached[2] for attached in letter.attachments] == ["application/pdf", "text/calendar"]
