"""From the built image and an empty PostgreSQL to a site that works: `make proof-image`.

Containers as in tests/deploy/image.py, deploy/Caddyfile in front, a real SMTP server, a real browser. Needs
root on Linux, buildah, PostgreSQL and Chromium; EVENTO_IMAGE names the image, DATABASE_URL a server on which
a database is made.
"""

import contextlib
import os
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import browser_type_launch_args  # noqa: F401 - a fixture
from tests.browser.visitor import Visitor
from tests.deploy.image import unpacked
from tests.deploy.proxies import caddy
from tests.notifications.smtp import smtp_server
from tests.patience import PATIENCE
from tests.ports import free_port

SERVER = os.environ.get("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
DATABASE = "evento_proof_image"
NAME = os.environ.get("EVENTO_IMAGE", "localhost/evento")
CODE = "Moth_47x"
MIGRATE = ("python", "manage.py", "migrate", "--noinput", "--verbosity", "0")
WORK = ("python", "manage.py", "send_notifications")
SUPERUSER = ("python", "manage.py", "createsuperuser", "--noinput")
ACCOUNT = {
    "DJANGO_SUPERUSER_USERNAME": "root",
    "DJANGO_SUPERUSER_EMAIL": "root@example.org",
    "DJANGO_SUPERUSER_PASSWORD": "moths-at-dusk",
}
BACKUP = ("python", "manage.py", "backup", "/var/lib/evento/evento.tar")
START_SECONDS = 180


def url_of(database):
    return urlunsplit(urlsplit(SERVER)._replace(path=f"/{database}"))


def query(statement, database=DATABASE):
    with psycopg.connect(url_of(database), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def empty_database():
    query(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", "postgres")
    query(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0", "postgres")
    yield url_of(DATABASE)
    query(f"DROP DATABASE {DATABASE} WITH (FORCE)", "postgres")


@pytest.fixture(scope="module")
def image():
    with unpacked(NAME) as found:
        yield found


@pytest.fixture
def var(image, tmp_path):
    """An empty volume, owned as Docker gives it."""
    folder = tmp_path / "var"
    folder.mkdir(mode=0o750)
    os.chown(folder, image.user, image.user)
    return folder


def settings(database_url, smtp_port, tls):
    """What deploy/compose.env.example asks for, and what deploy/compose.yaml adds; no secret key."""
    return {
        "SITE_URL": f"https://localhost:{tls}",
        "DATABASE_URL": database_url,
        "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
        "DEFAULT_FROM_EMAIL": "Evento <tickets@example.org>",
        "ORGANISER_CODE": CODE,
        "TIME_ZONE": "Europe/London",
        "TRUSTED_PROXY_COUNT": "1",
        "DEBUG": "off",
    }


@contextlib.contextmanager
def web(image, var, log, port, site):
    """A web container, from when its health check passes."""
    site = site | {"UVICORN_HOST": "127.0.0.1", "UVICORN_PORT": port}
    with image.running(var, log, **site) as process:
        deadline = time.monotonic() + START_SECONDS
        while not answers(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
        image.run(var, *image.config["Healthcheck"]["Test"][1:], **site)
        yield process


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_code_belongs_to_root_and_the_process_to_nobody(image, var):
    mine = ("find", "/srv", "/usr", "(", "-user", str(image.user), "-o", "-perm", "/022")
    own = image.run(var, *mine, ")", "!", "-type", "l")
    identity = image.run(var, "id", "-u").strip()
    capabilities = image.run(var, "grep", "^Cap", "/proc/self/status").split()[1::2]

    assert own == ""
    assert int(identity) == image.user > 10_000
    assert set(capabilities) == {"0" * 16}


def test_root_cannot_be_written_to_and_two_folders_can(image, var):
    tried = "for d in / /srv/evento /etc /usr/local/bin /var/tmp /run /tmp /var/lib/evento; do "
    tried += "touch $d/probe 2>/dev/null && echo $d; done; true"

    assert image.run(var, "sh", "-c", tried).split() == ["/tmp", "/var/lib/evento"]


def test_backup_is_made_and_restored_into_an_empty_database(image, var, empty_database):
    site = settings(empty_database, 25, 443)
    image.run(var, *MIGRATE, **site)
    image.run(var, *SUPERUSER, **site, **ACCOUNT)
    image.run(var, *BACKUP, **site)
    query(f"DROP DATABASE {DATABASE} WITH (FORCE)", "postgres")
    query(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0", "postgres")

    image.run(var, "python", "manage.py", "restore", BACKUP[-1], **site)

    assert query("SELECT username FROM accounts_user") == [("root",)]
    image.run(var, "python", "manage.py", "audit_places", **site)


def test_starting_the_web_changes_no_database(image, var, empty_database, tmp_path):
    port, site = free_port(), settings(empty_database, 25, 443)

    with web(image, var, tmp_path / "web.log", port, site):
        tables = query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")

    assert tables == []


def test_site_works_with_two_web_containers_and_a_worker_that_is_killed(
    image, var, empty_database, tmp_path, browser
):
    plain, tls, one, two = (free_port() for _port in range(4))
    with contextlib.ExitStack() as site_runs, smtp_server() as (mailbox, smtp_port):
        site = settings(empty_database, smtp_port, tls)
        image.run(var, *MIGRATE, **site)
        warned = ("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING")
        image.run(var, *warned, **site)
        image.run(var, *SUPERUSER, **site, **ACCOUNT)

        def start_web(port):
            return site_runs.enter_context(web(image, var, tmp_path / f"{port}.log", port, site))

        def start_worker():
            log = tmp_path / "worker.log"
            return site_runs.enter_context(image.running(var, log, *WORK, **site))

        first, second, worker = start_web(one), start_web(two), start_worker()
        proxy = site_runs.enter_context(caddy(tmp_path, plain, tls, [one, two]))

        def read_mail(address, number=1):
            message = mailbox.mail_to(address, number=number)
            return message.get_body(("plain",)).get_content()

        # Sign-up, confirmation, publishing, booking, mail.
        tab = browser.new_context(ignore_https_errors=True).new_page()
        visitor = Visitor(tab, proxy.url, read_mail)
        visitor.join("olga", code=CODE)
        visitor.publish("Moths of the wood", datetime.now(UTC) + timedelta(days=20))
        visitor.sign_out()
        visitor.join("ada")

        # The worker is killed with the mail of this booking in its hand.
        mailbox.kill(worker.pid, at=len(mailbox.deliveries) + 1, accept=False)
        visitor.book("Moths of the wood")
        worker.wait(PATIENCE)
        [[ticket]] = query("SELECT code FROM tickets_ticket WHERE status = 'valid'")
        assert ticket not in "".join(message.as_string() for message in mailbox.messages())
        query(
            "UPDATE notifications_outgoingemail SET leased_until = '2020-01-01+00' WHERE state = 'sending'"
        )
        start_worker()
        assert ticket in read_mail("ada@example.org", 2).replace(" ", "").replace("\n", "")
        assert "FULL" not in read_mail("ada@example.org", 2)

        # Whichever web container answers, ada is ada.
        first.terminate()
        first.wait(PATIENCE)
        tab.goto(f"{proxy.url}/tickets/")
        expect(tab.get_by_role("link", name="Moths of the wood").first).to_be_visible()
        start_web(one)
        second.terminate()
        second.wait(PATIENCE)
        tab.goto(f"{proxy.url}/tickets/")
        expect(tab.get_by_role("link", name="Moths of the wood").first).to_be_visible()
        tab.context.close()

        image.run(var, "python", "manage.py", "audit_places", **site)
        image.run(var, "python", "manage.py", "purge", **site)
        [[taken]] = query("SELECT places_taken FROM events_event")
        states = query("SELECT DISTINCT state FROM notifications_outgoingemail")

    assert taken == 1
    assert states == [("sent",)]
    assert mailbox.recipients.count("ada@example.org") == 2
    assert (var / "secret_key").stat().st_mode & 0o777 == 0o600
    assert "Traceback" not in "".join(log.read_text() for log in tmp_path.glob("*.log"))
