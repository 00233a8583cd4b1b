"""deploy/nginx.conf in front of the real server: `make proof-nginx`; needs nginx, openssl and curl.

Not part of the test run, which asks for no proxy.
"""

import contextlib
import getpass
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.db import connection

from events.services import change_event
from tests.events.factories import EventFactory
from tests.live import PATIENCE, database_shared_with_servers
from tests.servers import CSRF_SECRET, Server, running, sign_in
from tickets.models import Ticket

pytestmark = pytest.mark.server

ROOT = Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
WORKERS = 2 if connection.vendor == "postgresql" else 1
SLOW = 12
MAIN = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 1024; }}
http {{
    types {{ text/css css; }}
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/evento.conf;
}}
"""


@dataclass(frozen=True)
class Site:
    """Evento behind nginx."""

    folder: Path
    server: Server
    plain: int
    tls: int

    @property
    def url(self):
        return f"https://localhost:{self.tls}"

    def curl(self, path, *options):
        """The answer's lines, and after them what --write-out gave."""
        return subprocess.run(
            self.command(path, *options), check=True, capture_output=True, text=True, timeout=60
        ).stdout.splitlines()

    def command(self, path, *options):
        trust = ["--cacert", str(self.folder / "certificate.pem")]
        return ["curl", "--silent", "--show-error", *trust, *options, f"{self.url}{path}"]

    @contextlib.contextmanager
    def stream(self, *topics):
        """The frames' kinds and data, line by line as they come through."""
        query = urlencode([("topic", topic) for topic in topics])
        process = subprocess.Popen(
            self.command(f"/live/?{query}", "--no-buffer", "--dump-header", "-"),
            stdout=subprocess.PIPE,
            text=True,
        )
        # What does not come at all must not hold the test for ever.
        watch = threading.Timer(PATIENCE, process.kill)
        watch.start()
        try:
            yield (line.strip() for line in process.stdout)
        finally:
            watch.cancel()
            process.kill()
            process.communicate()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def make_certificate(folder):
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", folder / "key.pem", "-out", folder / "certificate.pem"),
        ],
        check=True,
        capture_output=True,
    )


def configure(folder, upstream, plain, tls):
    """deploy/nginx.conf with this machine's addresses and files; nothing else is changed."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for old, new in {
        "127.0.0.1:8000": f"127.0.0.1:{upstream}",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl": f"listen 127.0.0.1:{tls} ssl",
        "tickets.example.org;": "localhost;",
        "/etc/letsencrypt/live/tickets.example.org/fullchain.pem": f"{folder}/certificate.pem",
        "/etc/letsencrypt/live/tickets.example.org/privkey.pem": f"{folder}/key.pem",
        "/srv/evento/var/static/": f"{folder}/files/",
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "evento.conf").write_text(text)
    user = "user root;" if getpass.getuser() == "root" else ""
    (folder / "main.conf").write_text(MAIN.format(folder=folder, user=user))


@contextlib.contextmanager
def nginx(folder, port):
    command = [NGINX, "-p", folder, "-c", folder / "main.conf", "-e", folder / "nginx.log"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    process = subprocess.Popen(command)
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def event(transactional_db):
    return EventFactory(title="Bats of the river")


@pytest.fixture
def site(event, tmp_path):
    plain, tls = free_port(), free_port()
    make_certificate(tmp_path)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.css").write_text("a {}")
    behind = {"SITE_URL": f"https://localhost:{tls}", "ALLOWED_HOSTS": "localhost,127.0.0.1"}
    behind |= {"TRUSTED_PROXY_COUNT": "1"}
    with (
        database_shared_with_servers(tmp_path) as url,
        running(tmp_path, database_url=url, workers=WORKERS, threads=4, **behind) as server,
    ):
        configure(tmp_path, server.port, plain, tls)
        with nginx(tmp_path, tls):
            yield Site(tmp_path, server, plain, tls)
    assert "Traceback" not in server.log.read_text()


def until(lines, wanted):
    """The first of the lines in which it is found; fails at their end."""
    return next(line for line in lines if wanted in line)


def test_page_comes_by_http_2_and_plain_http_leads_to_it(site, event):
    *body, version = site.curl(event.get_absolute_url(), "--write-out", "\n%{http_version}")
    headers = site.curl("/", "--head")
    plain = subprocess.run(
        ["curl", "--silent", "--head", f"http://localhost:{site.plain}/past/"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert version == "2"
    assert "Bats of the river" in "".join(body)
    assert headers[0].startswith("HTTP/2 200")
    assert any(line.startswith("strict-transport-security") for line in headers)
    assert "301" in plain
    assert "Location: https://localhost/past/" in plain


def test_files_are_served_by_the_proxy_alone(site):
    headers = site.curl("/static/a.css", "--head")

    assert headers[0].startswith("HTTP/2 200")
    assert "cache-control: public, max-age=31536000, immutable" in headers


def test_ticket_is_booked_through_it_and_each_of_two_pages_follows(site, event, attendee):
    [cookie] = sign_in([attendee])
    with (
        site.stream("list::") as visitors,
        site.stream("mine", "list::") as nobodys,
    ):
        first = until(visitors, "HTTP/2")
        until(visitors, "retry:")
        status, place = site.curl(
            f"/events/{event.slug}/ticket/",
            *("--cookie", cookie, "--referer", site.url, "--output", os.devnull),
            *("--data", f"csrfmiddlewaretoken={CSRF_SECRET}"),
            *("--write-out", "%{http_code}\n%{redirect_url}"),
        )
        change_event(event, changes={"title": "Bats of the lake"}, by=None)
        frame = until(visitors, 'data: {"')
        refused = until(nobodys, "HTTP/2")

    assert first == "HTTP/2 200"
    assert (status, place) == ("302", f"{site.url}{Ticket.objects.get().get_absolute_url()}")
    assert "Bats of the lake" in frame
    assert refused == "HTTP/2 401"


def test_more_streams_than_a_browser_has_connections_and_a_page_at_once(site, event):
    with contextlib.ExitStack() as open_streams:
        streams = [open_streams.enter_context(site.stream("list::")) for _n in range(20)]
        for lines in streams:
            until(lines, "retry:")
        change_event(event, changes={"title": "Bats of the lake"}, by=None)
        frames = [until(lines, 'data: {"') for lines in streams]
        page = site.curl("/")

    assert len({re.sub(r"\s", "", frame) for frame in frames}) == 1
    assert "Bats of the lake" in "".join(page)


def test_slow_uploads_keep_no_page_waiting(site):
    head = (
        "POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        f"Cookie: csrftoken={CSRF_SECRET}\r\nReferer: {site.url}/\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\ncsrfmiddlewaretoken="
    )
    trust = ssl.create_default_context(cafile=site.folder / "certificate.pem")
    with contextlib.ExitStack() as uploads:
        for _upload in range(SLOW):
            plain = uploads.enter_context(socket.create_connection(("127.0.0.1", site.tls)))
            upload = uploads.enter_context(trust.wrap_socket(plain, server_hostname="localhost"))
            upload.sendall(head.encode())
        page = site.curl("/", "--max-time", str(PATIENCE))

    assert "Bats of the river" in "".join(page)


def test_server_that_ends_says_so_through_it(site):
    with site.stream("list::") as lines:
        until(lines, "retry:")
        site.server.process.terminate()
        last = until(lines, "restart")

    assert last == 'data: {"reason":"restart"}'
