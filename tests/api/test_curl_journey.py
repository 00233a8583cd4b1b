"""docs/api.md: the ten lines from sign-up to a barcode, run as they stand there."""

import re
import subprocess

import pytest
from PIL import Image

from tests.evento.test_embedded import (
    ROOT,
    copy_of_what_runs,
    environment,
    manage,
    started,
    status,
)
from tests.patience import PATIENCE, until
from tests.ports import free_port
from tests.tickets.scanning import scanned

pytestmark = [pytest.mark.server, pytest.mark.sqlite]


def journey():
    """The first block of shell in the document."""
    document = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    return re.search(r"```sh\n(.*?)```", document, re.DOTALL).group(1)


def test_it_has_ten_lines():
    assert len(journey().splitlines()) == 10


@pytest.fixture
def site(tmp_path):
    """Evento with a few events in a folder of its own; the folder and where it answers."""
    folder, port = copy_of_what_runs(tmp_path / "evento"), free_port()
    manage(folder, "migrate", "--verbosity=0")
    manage(folder, "create_demo", "--events=3", "--people=5", "--tickets=5", "--seed=1")
    with started(folder, "manage.py", "runserver", "--noreload", str(port)) as (_process, log):
        until(lambda: status(f"http://localhost:{port}/api/v1/events") == 200, log.read_text)
        yield folder, f"http://localhost:{port}"


def test_it_leads_from_sign_up_to_a_barcode_that_scans(site):
    folder, address = site

    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", journey()],
        cwd=folder,
        env=environment(API=f"{address}/api/v1"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    code = re.search(r": (\d{20})$", done.stdout.strip()).group(1)
    assert scanned(Image.open(folder / "ticket.png")) == [code]
