"""A running site against its own description: schemathesis asks every operation, with all its checks.

Each person asks valid and invalid data, then follows what answers lead to. The ordinary run asks each
operation a little, the same each time; `make proof-api` (EVENTO_FULL=1) asks much more, other things each
time, and all edges of what is described, on both databases. What a description cannot say stands in
schemathesis.toml.
"""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from events.models import Event
from events.services import add_organiser, cancel_event, offer_organiser
from tests.accounts.factories import PASSWORD, UserFactory
from tests.events.factories import CategoryFactory, EventFactory
from tests.patience import PATIENCE
from tests.servers import ROOT, database_for_servers, running
from tests.tickets.factories import TicketFactory
from tickets.services import book_ticket, send_message

FULL = os.environ.get("EVENTO_FULL") == "1"
pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]
if not FULL:
    pytestmark.append(pytest.mark.postgresql)  # the stricter of the two; in full it runs on both
SHORT = ["--max-examples=2", "--generation-deterministic", "--phases=examples,fuzzing,stateful"]
SIZE = ["--max-examples=60"] if FULL else SHORT
PEOPLE = ["visitor", "attendee", "organiser"]
# Nobody is kept waiting: what is asked here is no flood. Sign-ins of the person who asks, again and again
# after each sign-out, count against an address of their own.
ENVIRONMENT = {
    "API_READS_PER_MINUTE": "1000000",
    "API_WRITES_PER_MINUTE": "1000000",
    "TRUSTED_PROXY_COUNT": "1",
}
ASKING, SIGNING_IN = "10.0.0.1", "10.0.0.2"


@pytest.fixture
def people(settings, now):
    """An attendee and an organiser, who have something of everything that can be asked for."""
    settings.PASSWORD_HASHERS = ["evento.hashers.LightArgon2PasswordHasher"]  # as the site's are
    attendee, organiser = UserFactory(), UserFactory(organiser=True)
    running_soon, crowded = (
        EventFactory(organiser=organiser, category=CategoryFactory(), capacity=capacity)
        for capacity in (100, 1)
    )
    EventFactory(organiser=organiser, status=Event.Status.DRAFT)
    EventFactory(organiser=organiser, starts_at=now - timedelta(days=3))
    cancelled = EventFactory(organiser=organiser)
    for event in (running_soon, cancelled):
        book_ticket(event, holder=attendee, note="I come with a wheelchair.")
        book_ticket(event, holder=organiser)
    TicketFactory(event=crowded)
    cancel_event(cancelled, by=organiser)
    send_message(running_soon, subject="Torch", text="Bring one", by=organiser)
    add_organiser(running_soon, user=UserFactory(), by=organiser)
    offer_organiser(crowded, email=attendee.email, by=organiser)
    return {"attendee": attendee, "organiser": organiser}


@pytest.fixture
def site(tmp_path, people):
    """Where the site of these people answers."""
    url = database_for_servers(tmp_path)
    with running(tmp_path, database_url=url, threads=4, **ENVIRONMENT) as server:
        yield server


def signing_in(name, person):
    """How schemathesis signs somebody in, again whenever their token has ended."""
    return {
        "name": name,
        "loginEndpointAuth": {
            "endpoint": "/api/v1/auth/app/v1/auth/login",
            "verb": "POST",
            "contentType": "application/json",
            "headers": [{"name": "X-Forwarded-For", "value": SIGNING_IN}],
            "payloadRaw": json.dumps({"email": person.email, "password": PASSWORD}),
            "token": {
                "extractFrom": "body",
                "extractSelector": "/meta/access_token",
                "sendIn": "header",
                "sendName": "Authorization",
                "sendTemplate": "Bearer {token}",
            },
        },
    }


def ask(site, folder, *options):
    """Run schemathesis on a site; what it says, when that is bad."""
    command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={ROOT}/schemathesis.toml"]
    asked = ["run", f"{site.url}/api/v1/openapi.json", f"--header=X-Forwarded-For: {ASKING}"]
    asked.append(f"--request-timeout={PATIENCE}")
    done = subprocess.run(
        [*command, *asked, *options, *SIZE, "--no-color"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("who", PEOPLE)
def test_site_answers_as_it_is_described(site, people, tmp_path, who):
    signed_in = []
    if who in people:
        accounts = tmp_path / "people.json"
        accounts.write_text(json.dumps({"auth": [signing_in(who, people[who])]}))
        signed_in = [f"--auth-wfc={accounts}"]

    complaints = ask(site, tmp_path, *signed_in)

    assert not complaints, complaints  # whole: pytest would shorten a comparison
    assert "Internal Server Error" not in site.log.read_text()
