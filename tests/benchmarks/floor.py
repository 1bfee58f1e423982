"""The floor beneath our pages: bare Django behind the same server, with the least that could keep each promise."""

import hashlib
import hmac
import json
import os
import time
import uuid

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

SECRET = b"whsec_maguey"
TABLES = """
CREATE TABLE floor_events (
    id uuid PRIMARY KEY, event_id text UNIQUE, type text, payload jsonb, received_at timestamptz
);
CREATE TABLE floor_types (id int PRIMARY KEY, capacity int NOT NULL, held int NOT NULL CHECK (held <= capacity));
CREATE TABLE floor_holds (
    id uuid PRIMARY KEY, type_id int REFERENCES floor_types, quantity int, expires_at timestamptz
);
INSERT INTO floor_types VALUES (1, 1000000, 0);
"""
KEEP = (
    "INSERT INTO floor_events (id, event_id, type, payload, received_at) VALUES (%s, %s, %s, %s, now()) "
    "ON CONFLICT DO NOTHING"
)
HOLD = (
    "WITH taken AS (UPDATE floor_types SET held = held + 1 WHERE id = 1 AND held < capacity RETURNING id) "
    "INSERT INTO floor_holds SELECT %s, id, 1, now() + interval '15 minutes' FROM taken"
)


def answer(words: bytes, *, status: int = 200) -> HttpResponse:
    """Answer with the length ahead, so that the connection stays open."""
    return HttpResponse(words, status=status, headers={"Content-Length": str(len(words))})


def event(request: HttpRequest) -> HttpResponse:
    """Verify a signature by hmac and make one raw INSERT with one commit."""
    signed = dict(part.split("=", 1) for part in request.headers["Stripe-Signature"].split(","))
    expected = hmac.new(SECRET, f"{signed['t']}.".encode() + request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signed["v1"]) or time.time() - int(signed["t"]) > 300:
        return answer(b"", status=400)
    told = json.loads(request.body)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(KEEP, [uuid.uuid4(), told["id"], told["type"], request.body.decode()])
    return answer(b"kept")


def hold(request: HttpRequest) -> HttpResponse:
    """Take a place by one statement with one commit, and nothing else."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(HOLD, [uuid.uuid4()])
    return answer(b"held", status=201)


def page(request: HttpRequest) -> HttpResponse:
    """Answer with a page of words."""
    return answer(b"<!doctype html><title>Floor</title>")


urlpatterns = [path("event/", event), path("hold/", hold), path("page/", page)]

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="floor",
        DATABASES={"default": json.loads(os.environ["FLOOR_DATABASE"])},
    )
    django.setup()
    application = get_wsgi_application()
