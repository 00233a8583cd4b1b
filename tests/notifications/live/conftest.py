import pytest

from events.services import change_event
from tests.live import Reader, database_shared_with_servers
from tests.servers import running, sign_in


@pytest.fixture
def database(transactional_db, tmp_path):
    """The URL of a database that this test and its servers share."""
    with database_shared_with_servers(tmp_path) as url:
        yield url


@pytest.fixture
def server(database, tmp_path):
    with running(tmp_path, database_url=database) as server:
        yield server


@pytest.fixture
def read():
    """Open a stream; all are closed at the end."""
    readers = []

    def open_stream(server, *topics, **query):
        reader = Reader(server, *topics, **query)
        readers.append(reader)
        return reader

    yield open_stream
    for reader in readers:
        reader.close()


def cookie_of(person):
    [cookie] = sign_in([person])
    return cookie


def edit(event):
    """Something small that everybody may see: a mark in the stream, to show what did not come before it."""
    event.title += " again"
    change_event(event, changes={"title": event.title}, by=None)
