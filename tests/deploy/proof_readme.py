"""The README's "Without containers", word by word, from an empty PostgreSQL: `make proof-readme`.

Needs PostgreSQL, nginx, openssl, Chromium and a package index. DATABASE_URL names a server on which a
database is made.
"""

import contextlib
import os
import pty
import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.conftest import browser_type_launch_args  # noqa: F401 - a fixture
from tests.browser.visitor import Visitor
from tests.deploy.known import ROOT
from tests.deploy.proof_image import CODE, answers, empty_database, query, settings  # noqa: F401
from tests.deploy.proxies import nginx
from tests.notifications.smtp import smtp_server
from tests.ports import free_port

STOP_SECONDS = 20
# What Django asks for, and what is typed.
TYPED = (
    (b"Username", "root"),
    (b"mail", "root@example.org"),
    (b"Password:", "moths-at-dusk"),
    (b"(again):", "moths-at-dusk"),
)


def lines_of_readme():
    """Its two blocks of commands: those to run, and those to keep running."""
    text = (ROOT / "README.md").read_text().partition("**Without containers**")[2]
    once, running = re.findall(r"```console\n(.*?)```", text, re.DOTALL)[:2]
    return once.splitlines(), running.splitlines()


@pytest.fixture
def folder(tmp_path):
    """The code as a clone has it."""
    code = tmp_path / "evento"
    code.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "-x"], cwd=code, input=archive.stdout, check=True)
    return code


def fill_in(folder, site):
    """.env.example copied to .env and filled in."""
    text = (folder / ".env.example").read_text()
    for name, value in site.items():
        text, found = re.subn(rf"(?m)^#?{name}=.*$", lambda _, n=name, v=value: f'{n}="{v}"', text)
        assert found == 1, name
    (folder / ".env").write_text(text)


def environment(**more):
    """Nothing of ours and nothing that is for tests, but how to reach a package index."""
    own = re.compile(r"DATABASE_URL|SECRET_KEY|CI|(DJANGO|PYTHON|PYTEST)\w*")
    given = {name: value for name, value in os.environ.items() if not own.fullmatch(name)}
    return given | more


def at_a_terminal(command, folder):
    """Run a command that asks, and answer; what it said."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, environment())
    said, answered = b"", 0
    with contextlib.suppress(OSError):  # the terminal ends with the command
        while chunk := os.read(terminal, 1024):
            said += chunk
            while answered < len(TYPED) and TYPED[answered][0] in said:
                said = said.partition(TYPED[answered][0])[2]
                os.write(terminal, f"{TYPED[answered][1]}\n".encode())
                answered += 1
    _pid, status = os.waitpid(process, 0)
    assert status == 0, said.decode()


@contextlib.contextmanager
def kept_running(command, folder, **more):
    process = subprocess.Popen(shlex.split(command), cwd=folder, env=environment(**more))
    try:
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def test_its_commands_give_a_working_site(folder, empty_database, tmp_path, browser):  # noqa: F811
    once, running = lines_of_readme()
    plain, tls, port = (free_port() for _port in range(3))
    with contextlib.ExitStack() as site_runs, smtp_server() as (mailbox, smtp_port):
        site = settings(empty_database, smtp_port, tls) | {"ALLOWED_HOSTS": "localhost"}
        fill_in(folder, site)
        for line in once:
            if line.endswith("createsuperuser"):
                at_a_terminal(shlex.split(line), folder)
                continue
            done = subprocess.run(
                shlex.split(line),
                cwd=folder,
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, line + done.stdout + done.stderr
            if "check --deploy" in line:
                assert "no issues" in done.stdout, done.stdout + done.stderr
        for line in running:
            site_runs.enter_context(kept_running(line, folder, UVICORN_PORT=str(port)))
        while not answers(port):
            pass
        (tmp_path / "files").symlink_to(folder / "var" / "static")
        proxy = site_runs.enter_context(nginx(tmp_path, plain, tls, [port]))

        def read_mail(address, number=1):
            message = mailbox.mail_to(address, number=number)
            return message.get_body(("plain",)).get_content()

        tab = browser.new_context(ignore_https_errors=True).new_page()
        visitor = Visitor(tab, proxy.url, read_mail)
        visitor.join("olga", code=CODE)
        visitor.publish("Moths of the wood", datetime.now(UTC) + timedelta(days=20))
        visitor.sign_out()
        visitor.join("ada")
        visitor.book("Moths of the wood")
        [[ticket]] = query("SELECT code FROM tickets_ticket")
        arrived = read_mail("ada@example.org", 2)
        tab.context.close()

    assert ticket in arrived.replace(" ", "")
    assert query("SELECT username FROM accounts_user WHERE is_superuser") == [("root",)]
