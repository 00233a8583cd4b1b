"""Errors reported to Sentry: what a real receiver gets, and what it must never get."""

import contextlib
import gzip
import json
import os
import queue
import sqlite3
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from pathlib import Path

import brotli
import pytest

from tests.evento.test_embedded import copy_of_what_runs
from tests.events.factories import EventFactory
from tests.patience import PATIENCE
from tests.servers import database_for_servers, post_at_once, running, sign_in

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.server, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


UNPACK = {"identity": bytes, "gzip": gzip.decompress, "br": brotli.decompress}


class Receiver:
    """Takes envelopes as Sentry does."""

    def __init__(self):
        self.bodies = queue.Queue()
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                unpack = UNPACK[self.headers.get("Content-Encoding", "identity")]
                bodies.put(unpack(body))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.dsn = f"http://public@127.0.0.1:{self.server.server_port}/7"

    def event(self):
        """The next event, and the whole envelope as text."""
        body = self.bodies.get(timeout=PATIENCE).decode()
        _envelope, _item, event = body.splitlines()[:3]
        return json.loads(event), body


@pytest.fixture
def receiver():
    sink = Receiver()
    thread = threading.Thread(target=sink.server.serve_forever)
    thread.start()
    yield sink
    sink.server.shutdown()
    thread.join()
    sink.server.server_close()


@pytest.fixture
def broken(tmp_path):
    """A database in which nobody can book, with an event and a person."""

    def without(table, url):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            file.execute(f"DROP TABLE {table}")
        return url

    return without


def test_failed_request_is_reported_without_anything_personal(tmp_path, receiver, broken, attendee):
    event = EventFactory()
    [cookie] = sign_in([attendee])
    url = broken("tickets_ticket", database_for_servers(tmp_path))
    env = {"SENTRY_DSN": receiver.dsn, "TRUSTED_PROXY_COUNT": "1"}
    path = f"/events/{event.slug}/ticket/?q=jazz&email=ann%40example.org"
    headers = {
        "X_Forwarded_For": "203.0.113.9",
        "X_Request_ID": "a1b2c3d4",
        "User_Agent": "Wheelchair/1.0",
        "Referer": "http://127.0.0.1/?from=ann@example.org",
    }
    with running(tmp_path, database_url=url, **env) as server:
        post_at_once(server, path, [cookie], **headers)
        report, envelope = receiver.event()

    [exception] = [
        each for each in report["exception"]["values"] if each["module"] == "django.db.utils"
    ]
    assert exception["type"] == "OperationalError"
    assert exception["value"] == "no such table: tickets_ticket"
    assert any(frame["function"] == "request_ticket" for frame in exception["stacktrace"]["frames"])
    assert report["tags"] == {"request_id": "a1b2c3d4", "route": "tickets:request"}
    assert report["transaction"] == "tickets:request"
    assert report["release"].startswith("evento@")
    assert "vars" not in envelope
    personal = [
        *(attendee.email, attendee.username, attendee.display_name or "?", str(attendee.pk)),
        *(attendee.pk.hex, event.slug, event.title, cookie.split("=")[1].split(";")[0]),
        *(
            "csrfmiddlewaretoken=",
            "ccccc",
            "203.0.113.9",
            "Wheelchair/1.0",
            "jazz",
            "ann@",
            "ann%40",
        ),
        *("cookie", "Cookie", "query_string", "server_name", os.uname().nodename),
    ]
    assert [word for word in personal if word in envelope] == []
    assert report.keys() <= {
        *("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk"),
        *("logentry", "tags", "transaction", "exception"),
    }


def test_worker_reports_too(tmp_path, receiver, broken):
    url = broken("notifications_outgoingemail", database_for_servers(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "manage.py", "send_notifications"],
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": url, "SENTRY_DSN": receiver.dsn, "DEBUG": "false"}
        | {"DJANGO_SETTINGS_MODULE": "evento.settings", "LOG_FORMAT": "json"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        report, _envelope = receiver.event()
    finally:
        process.terminate()
        _out, errors = process.communicate(timeout=PATIENCE)

    assert report["logentry"]["message"] == "The database did not answer"
    assert (
        report["exception"]["values"][-1]["value"] == "no such table: notifications_outgoingemail"
    )
    lines = [json.loads(line) for line in errors.splitlines()]
    said = [message for message, _again in groupby(line["message"] for line in lines)]
    assert said == [  # when it ends late, it has tried once more
        "The worker sends notices. Ctrl-C ends it.",
        "The database did not answer",
        "The worker has ended.",
    ]
    assert "no such table" in lines[1]["exception"]


def test_nothing_is_loaded_that_is_not_configured():
    code = (
        "import django, sys; django.setup(); import evento.urls; "
        "sys.exit(any(name.startswith('sentry_sdk') for name in sys.modules))"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "evento.settings", "SENTRY_DSN": ""}

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


def test_what_ends_the_mail_worker_of_the_server_is_reported(tmp_path, receiver):
    code = copy_of_what_runs(tmp_path / "evento")
    heartbeat, began = code / "notifications" / "heartbeat.py", "    def beat(self) -> None:\n"
    assert began in heartbeat.read_text()
    heartbeat.write_text(heartbeat.read_text().replace(began, f"{began}        1 / 0\n"))
    env = {"NOTIFICATIONS_SEND": "server", "SENTRY_DSN": receiver.dsn}
    url = database_for_servers(tmp_path)
    with running(tmp_path, database_url=url, code=code, **env):
        report, _envelope = receiver.event()

    assert report["exception"]["values"][-1]["type"] == "ZeroDivisionError"
