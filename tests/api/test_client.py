"""A client generated from the API's description, and what it does on a running site."""

import importlib
import io
import pkgutil
import subprocess
import sys

import pytest
from PIL import Image

from tests.accounts.factories import PASSWORD, UserFactory
from tests.events.factories import EventFactory
from tests.patience import PATIENCE
from tests.servers import ROOT, database_for_servers, running
from tests.tickets.scanning import scanned

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]

NAME = "evento_client"
GENERATOR = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Gives the generated package's modules by name."""
    folder = tmp_path_factory.mktemp("client")
    description = str(ROOT / "docs" / "openapi.json")
    subprocess.run(
        [*GENERATOR, "--path", description, "--output-path", str(folder / NAME)],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    sys.path.insert(0, str(folder))
    yield lambda name="": importlib.import_module(f"{NAME}.{name}".rstrip("."))
    sys.path.remove(str(folder))


@pytest.fixture
def site(tmp_path, settings):
    """A running site with one event, and somebody who has an account."""
    settings.PASSWORD_HASHERS = ["evento.hashers.LightArgon2PasswordHasher"]  # as the site's are
    event, person = EventFactory(title="Repair café"), UserFactory()
    with running(tmp_path, database_url=database_for_servers(tmp_path)) as server:
        yield server.url, event, person


@pytest.fixture
def visitor(client, site):
    with client("client").Client(base_url=site[0]) as visitor:
        yield visitor


@pytest.fixture
def signed_in(client, site, visitor):
    """The same site for somebody who has signed in through the client."""
    address, _event, person = site
    login = client("models").AuthLogin(email=person.email, password=PASSWORD)
    answer = client("api.sign_in.auth_login").sync(client=visitor, body=login)
    token = answer.meta.access_token
    with client("client").AuthenticatedClient(base_url=address, token=token) as signed_in:
        yield signed_in


def test_every_module_of_it_compiles(client):
    package = client()

    modules = [found.name for found in pkgutil.walk_packages(package.__path__, f"{NAME}.")]

    assert len([importlib.import_module(name) for name in modules]) > 100


def test_it_books_a_ticket_and_gets_its_barcode(client, site, visitor, signed_in):
    [event] = client("api.events.list_events").sync(client=visitor).items
    booking = client("api.tickets.book_ticket").sync_detailed
    note = client("models").TicketInput(note="I come with a wheelchair.")

    first = booking(event.slug, client=signed_in, body=note)
    again = booking(event.slug, client=signed_in, body=note)
    barcode = client("api.tickets.get_barcode_png").sync_detailed(first.parsed.id, client=signed_in)

    assert (event.slug, event.availability) == (site[1].slug, None)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.parsed.id == again.parsed.id
    assert (first.parsed.event.title, first.parsed.note) == ("Repair café", note.note)
    assert scanned(Image.open(io.BytesIO(barcode.content))) == [first.parsed.code]


def test_it_gets_an_error_as_a_problem_with_its_code(client, site, signed_in):
    problem = client("api.events.publish_event").sync(site[1].slug, client=signed_in)

    assert (problem.status, problem.code) == (403, "forbidden")
