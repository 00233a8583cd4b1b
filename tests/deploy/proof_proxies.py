"""The proxies of deploy/ in front of the real server: `make proof-nginx` and `make proof-caddy`.

Not part of the test run, which asks for no proxy. nginx needs openssl, both need curl.
"""

import contextlib
import os
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts.models import User
from events.services import change_event
from tests.browser.conftest import browser_type_launch_args  # noqa: F401 - a fixture
from tests.browser.visitor import CODE, PASSWORD, Visitor
from tests.deploy.proxies import Proxy, caddy, nginx
from tests.events.factories import EventFactory
from tests.live import database_shared_with_servers
from tests.notifications.smtp import smtp_server
from tests.notifications.test_killed_worker import worker
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.servers import CSRF_SECRET, Server, running, sign_in
from tickets.models import Ticket

pytestmark = pytest.mark.server

WORKERS = 2 if connection.vendor == "postgresql" else 1
SLOW = 12
METRICS_TOKEN = "whoever-scrapes-knows"
OVER_THE_LIMIT = 13_000_000  # bytes; the proxies take 12 MiB


@dataclass(frozen=True)
class Site:
    """Evento behind a proxy."""

    folder: Path
    database_url: str
    server: Server
    proxy: Proxy


@pytest.fixture
def event(transactional_db):
    return EventFactory(title="Bats of the river")


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def site(request, event, tmp_path):
    cache.clear()  # where limits are counted; on PostgreSQL it outlives a test
    plain, tls = free_port(), free_port()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.css").write_text("a {}")
    behind = {"SITE_URL": f"https://localhost:{tls}", "ALLOWED_HOSTS": "localhost,127.0.0.1"}
    behind |= {"TRUSTED_PROXY_COUNT": "1", "ORGANISER_CODE": CODE}
    behind |= {"METRICS_TOKEN": METRICS_TOKEN}
    with (
        database_shared_with_servers(tmp_path) as url,
        running(tmp_path, database_url=url, workers=WORKERS, threads=4, **behind) as server,
        request.param(tmp_path, plain, tls, [server.port]) as proxy,
    ):
        yield Site(tmp_path, url, server, proxy)
    assert "Traceback" not in server.log.read_text()


def until(lines, wanted):
    """The first of the lines in which it is found; fails at their end."""
    return next(line for line in lines if wanted in line)


def test_page_comes_by_http_2_and_plain_http_leads_to_it(site, event):
    *body, version = site.proxy.curl(event.get_absolute_url(), "--write-out", "\n%{http_version}")
    headers = site.proxy.curl("/", "--head")

    assert version == "2"
    assert "Bats of the river" in "".join(body)
    assert headers[0].startswith("HTTP/2 200")
    assert any(line.startswith("strict-transport-security") for line in headers)
    assert re.fullmatch(r"https://localhost(:\d+)?/past/", site.proxy.redirect("/past/"))


@pytest.mark.parametrize("site", [nginx], ids=["nginx"], indirect=True)
def test_files_are_served_by_the_proxy_alone(site):
    headers = site.proxy.curl("/static/a.css", "--head")

    assert headers[0].startswith("HTTP/2 200")
    assert "cache-control: public, max-age=31536000, immutable" in headers


def test_ticket_is_booked_through_it_and_each_of_two_pages_follows(site, event, attendee):
    [cookie] = sign_in([attendee])
    with (
        site.proxy.stream("list::") as visitors,
        site.proxy.stream("mine", "list::") as nobodys,
    ):
        first = until(visitors, "HTTP/2")
        until(visitors, "retry:")
        status, place = site.proxy.curl(
            f"/events/{event.slug}/ticket/",
            *("--cookie", cookie, "--referer", site.proxy.url, "--output", os.devnull),
            *("--data", f"csrfmiddlewaretoken={CSRF_SECRET}"),
            *("--write-out", "%{http_code}\n%{redirect_url}"),
        )
        change_event(event, changes={"title": "Bats of the lake"}, by=None)
        frame = until(visitors, 'data: {"')
        refused = until(nobodys, "HTTP/2")

    assert first == "HTTP/2 200"
    assert (status, place) == ("302", f"{site.proxy.url}{Ticket.objects.get().get_absolute_url()}")
    assert "Bats of the lake" in frame
    assert refused == "HTTP/2 401"


def test_more_streams_than_a_browser_has_connections_and_a_page_at_once(site, event):
    with contextlib.ExitStack() as open_streams:
        streams = [open_streams.enter_context(site.proxy.stream("list::")) for _n in range(20)]
        for lines in streams:
            until(lines, "retry:")
        change_event(event, changes={"title": "Bats of the lake"}, by=None)
        frames = [until(lines, 'data: {"') for lines in streams]
        page = site.proxy.curl("/")

    assert len({re.sub(r"\s", "", frame) for frame in frames}) == 1
    assert "Bats of the lake" in "".join(page)


def test_slow_uploads_keep_no_page_waiting(site):
    head = (
        "POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        f"Cookie: csrftoken={CSRF_SECRET}\r\nReferer: {site.proxy.url}/\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\ncsrfmiddlewaretoken="
    )
    trust = ssl.create_default_context(cafile=site.proxy.certificate)
    with contextlib.ExitStack() as uploads:
        for _upload in range(SLOW):
            plain = uploads.enter_context(socket.create_connection(("127.0.0.1", site.proxy.tls)))
            upload = uploads.enter_context(trust.wrap_socket(plain, server_hostname="localhost"))
            upload.sendall(head.encode())
        page = site.proxy.curl("/", "--max-time", str(PATIENCE))

    assert "Bats of the river" in "".join(page)


def sign_up(site, name, code, *options):
    """A sign-up with an organiser code: the status, or what it says where a limit is reached."""
    form = {"username": name, "email": f"{name}@example.org", "organiser_code": code}
    form |= {"password1": PASSWORD, "password2": PASSWORD, "csrfmiddlewaretoken": CSRF_SECRET}
    fields = [part for pair in form.items() for part in ("--data-urlencode", "=".join(pair))]
    browser = ("--cookie", f"csrftoken={CSRF_SECRET}", "--referer", site.proxy.url)
    said = ("--write-out", "\n%{http_code}")
    *page, status = site.proxy.curl("/accounts/signup/", *browser, *fields, *said, *options)
    return "limited" if "Too many wrong codes" in "".join(page) else status


def test_client_is_who_the_proxy_says_whatever_the_client_says(site):
    spoofed = [("--header", f"X-Forwarded-For: 203.0.113.{n}") for n in range(7)]
    underscored = ("--header", "X_Forwarded_For: 203.0.113.9")
    as_the_limited = ("--header", "X-Forwarded-For: 127.0.0.1")
    elsewhere = ("--interface", "127.0.0.2")

    wrong = [sign_up(site, f"guess{n}", "wrong-one", *spoofed[n]) for n in range(5)]
    right = sign_up(site, "guess5", CODE, *spoofed[5])
    hidden = sign_up(site, "guess6", CODE, *underscored)
    neighbour = sign_up(site, "olga", CODE, *elsewhere, *as_the_limited)

    assert (wrong, right, hidden) == (["200"] * 5, "limited", "limited")
    assert neighbour == "302"
    assert list(User.objects.values_list("username", flat=True)) == ["olga"]


def test_of_what_machines_ask_only_healthz_can_be_asked_from_outside(site):
    paths = ("/healthz", "/readyz", "/readyz?include=mail", "/%72eadyz", "/metrics")
    bearer = f"Bearer {METRICS_TOKEN}"
    status = ("--output", os.devnull, "--write-out", "%{http_code}")

    def ask_evento(path):
        request = Request(f"{site.server.url}{path}", headers={"Authorization": bearer})
        with urlopen(request, timeout=PATIENCE) as answer:
            return answer.status

    inside = [ask_evento(path) for path in paths]
    outside = [
        site.proxy.curl(path, "--header", f"Authorization: {bearer}", *status) for path in paths
    ]

    assert inside == [200] * 5
    assert outside == [["200"], *[["404"]] * 4]


def test_name_of_a_request_is_the_proxys_to_give(site):
    headers = site.proxy.curl("/", "--head", "--header", "X-Request-ID: mine")

    [name] = [line.split()[1] for line in headers if line.lower().startswith("x-request-id:")]
    assert len(name) >= 32


def test_what_is_too_large_is_refused_by_the_proxy(site, tmp_path):
    (tmp_path / "large").write_bytes(bytes(OVER_THE_LIMIT))
    status = ("--http1.1", "--output", os.devnull, "--write-out", "%{http_code}")

    body = site.proxy.curl("/accounts/login/", "--data-binary", f"@{tmp_path / 'large'}", *status)
    header = site.proxy.curl("/", "--header", f"X-Long: {'x' * 60_000}", *status)

    assert body == ["413"]
    assert header[0] in {"400", "431"}


def test_journey_in_a_browser_through_it(site, browser):
    def read_mail(address, number=1):
        message = mailbox.mail_to(address, number=number)
        return message.get_body(("plain",)).get_content()

    with (
        smtp_server() as (mailbox, port),
        worker(site.database_url, port, SITE_URL=site.proxy.url),
    ):
        tab = browser.new_context(ignore_https_errors=True).new_page()
        visitor = Visitor(tab, site.proxy.url, read_mail)
        visitor.join("olga", code=CODE)
        visitor.publish("Moths of the wood", timezone.now() + timedelta(days=20))
        visitor.sign_out()
        visitor.join("ada")
        visitor.book("Moths of the wood")
        booked = read_mail("ada@example.org", 2)
        tab.context.close()

    ticket = Ticket.objects.get()
    assert (ticket.holder.username, ticket.event.places_taken) == ("ada", 1)
    assert ticket.code_in_groups in booked


def test_server_that_ends_says_so_through_it(site):
    with site.proxy.stream("list::") as lines:
        until(lines, "retry:")
        site.server.process.terminate()
        last = until(lines, "restart")

    assert last == 'data: {"reason":"restart"}'
