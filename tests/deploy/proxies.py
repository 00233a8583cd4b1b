"""The proxies of deploy/, each started with the file that a site is given."""

import contextlib
import getpass
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
CADDY = ROOT / ".venv-tools" / "bin" / "caddy"
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
class Proxy:
    """A running proxy: its two ports on localhost, and the certificate to trust."""

    name: str
    plain: int
    tls: int
    certificate: Path

    @property
    def url(self):
        return f"https://localhost:{self.tls}"

    def curl(self, path, *options):
        """The answer's lines, and after them what --write-out gave."""
        return subprocess.run(
            self.command(path, *options),
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        ).stdout.splitlines()

    def redirect(self, path):
        """Where plain http leads."""
        asked = ["--silent", "--output", os.devnull, "--write-out", "%{redirect_url}"]
        command = ["curl", *asked, f"http://localhost:{self.plain}{path}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def command(self, path, *options):
        trust = ["--cacert", str(self.certificate)]
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


@contextlib.contextmanager
def nginx(folder, plain, tls, upstreams):
    """deploy/nginx.conf with this machine's addresses and files; nothing else is changed."""
    certificate = _make_certificate(folder)
    servers = "\n".join(f"    server 127.0.0.1:{port};" for port in upstreams)
    changes = {
        "    server 127.0.0.1:8000;": servers,
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl": f"listen 127.0.0.1:{tls} ssl",
        "tickets.example.org;": "localhost;",
        "/etc/letsencrypt/live/tickets.example.org/fullchain.pem": str(certificate),
        "/etc/letsencrypt/live/tickets.example.org/privkey.pem": f"{folder}/key.pem",
        "/srv/evento/var/static/": f"{folder}/files/",
    }
    (folder / "evento.conf").write_text(_changed(ROOT / "deploy" / "nginx.conf", changes))
    user = "user root;" if getpass.getuser() == "root" else ""
    (folder / "main.conf").write_text(MAIN.format(folder=folder, user=user))
    command = [NGINX, "-p", folder, "-c", folder / "main.conf", "-e", folder / "nginx.log"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    with _running(command, tls):
        yield Proxy("nginx", plain, tls, certificate)


@contextlib.contextmanager
def caddy(folder, plain, tls, upstreams):
    """deploy/Caddyfile with this machine's ports, and addresses in place of the containers' names."""
    found_by_name = (
        "dynamic a {\n\t\t\tname web\n\t\t\tport 8000\n\t\t\trefresh 5s\n\t\t}\n",
        f"to {' '.join(f'127.0.0.1:{port}' for port in upstreams)}\n",
    )
    ports = f"{{\n\tadmin off\n\tskip_install_trust\n\thttp_port {plain}\n\thttps_port {tls}\n"
    ports += "\tdefault_bind 127.0.0.1\n\tservers {"
    changes = dict([found_by_name, ("{\n\tservers {", ports)])
    (folder / "Caddyfile").write_text(_changed(ROOT / "deploy" / "Caddyfile", changes))
    command = [CADDY, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]
    kept = {"SITE_URL": f"https://localhost:{tls}", "XDG_DATA_HOME": str(folder / "data")}
    kept |= {"XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)}
    with (folder / "caddy.log").open("wb") as log, _running(command, tls, env=kept, stderr=log):
        authority = folder / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        yield Proxy("caddy", plain, tls, authority)


def _changed(path, changes):
    text = path.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def _make_certificate(folder):
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", folder / "key.pem", "-out", folder / "certificate.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "certificate.pem"


@contextlib.contextmanager
def _running(command, port, **options):
    process = subprocess.Popen(command, **options)
    deadline = time.monotonic() + PATIENCE
    try:
        while not _speaks_tls(port):
            assert time.monotonic() < deadline, f"{command[0]} does not answer"
            assert process.poll() is None, f"{command[0]} has ended"
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _speaks_tls(port):
    """Caddy listens before it has its certificate."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
            anybody.wrap_socket(plain, server_hostname="localhost").close()
    except OSError:
        return False
    return True
