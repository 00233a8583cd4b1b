"""20,000 holders are told of a cancelled event, each once, by workers that are killed on the way.

The ordinary run takes fewer; `make proof-notices` (EVENTO_FULL=1) takes them all and prints figures.
The mails go to a real SMTP server (aiosmtpd) from real worker processes.
"""

import os
import signal
import time
from collections import Counter
from functools import partial

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from events.models import Event
from events.services import cancel_event
from tests.events.factories import EventFactory
from tests.notifications.smtp import WAIT_SECONDS, smtp_server
from tests.notifications.workers import let_leases_run_out, worker
from tests.patience import until
from tests.servers import database_for_servers, reading
from tickets.models import Ticket, random_code

FULL = os.environ.get("EVENTO_FULL") == "1"
HOLDERS = 20_000 if FULL else 1_300
OTHER_CONNECTIONS = 0 if settings.IS_SQLITE else settings.MAIL_CONNECTIONS - 1

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]


def event_with_holders(count):
    event = EventFactory(capacity=count)
    people = User.objects.bulk_create(
        User(username=f"holder-{event.pk}-{n}", email=f"{n}@{event.pk}.example", password="!")
        for n in range(count)
    )
    Ticket.objects.bulk_create(
        Ticket(event=event, holder=person, code=random_code(), booked_at=timezone.now())
        for person in people
    )
    Event.objects.filter(pk=event.pk).update(places_taken=F("places_taken") + count)
    return event, {person.email for person in people}


def killed_worker(database_url, mailbox, port, *, at, accept):
    with worker(database_url, port) as process:
        mailbox.kill(process.pid, at=at, accept=accept)
        process.wait(WAIT_SECONDS)
    assert process.returncode == -signal.SIGKILL
    let_leases_run_out(database_url)


def all_have_worked_and_all_is_sent(database_url):
    """A worker that has not begun would be ended before it knows how; the last mail may be a repeated one."""
    with reading(database_url) as query:
        [[workers]] = query("SELECT COUNT(*) FROM notifications_workerheartbeat")
        [[left]] = query("SELECT COUNT(*) FROM notifications_outgoingemail WHERE state <> 'sent'")
    return (workers, left) == (4, 0)


def cost_of_cancelling(event):
    with CaptureQueriesContext(connection) as captured:
        started = time.perf_counter()
        cancel_event(event, by=None, reason="The river has flooded.")
        seconds = time.perf_counter() - started
    return len(captured), seconds


def test_every_holder_is_told_once_by_workers_that_are_killed(tmp_path, capsys):
    few, _addresses = event_with_holders(20)
    many, addresses = event_with_holders(HOLDERS)
    few_queries, few_seconds = cost_of_cancelling(few)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM notifications_announcement")
    many_queries, many_seconds = cost_of_cancelling(many)
    assert few_queries == many_queries

    database_url = database_for_servers(tmp_path)
    started = time.perf_counter()
    with smtp_server() as (mailbox, port):
        killed_worker(database_url, mailbox, port, at=HOLDERS // 4 + 7, accept=False)
        killed_worker(database_url, mailbox, port, at=HOLDERS // 2 + 7, accept=True)
        with worker(database_url, port) as first, worker(database_url, port) as second:
            mailbox.wait_for(HOLDERS)
            until(partial(all_have_worked_and_all_is_sent, database_url))
    seconds = time.perf_counter() - started

    assert (first.returncode, second.returncode) == (0, 0)
    with reading(database_url) as query:
        states = dict(
            query("SELECT state, COUNT(*) FROM notifications_outgoingemail GROUP BY state")
        )
        [[notices]] = query("SELECT COUNT(*) FROM notifications_notification")
    assert states == {"sent": HOLDERS}
    assert notices == HOLDERS
    assert set(mailbox.recipients) == addresses
    # What had arrived unmarked when its worker was killed came again, as the same mail: the one that was
    # waited for, and on each of the killed workers' other connections perhaps one.
    assert len(mailbox.message_ids) == HOLDERS
    repeated = [found for found, times in Counter(mailbox.recipients).items() if times > 1]
    assert 1 <= len(repeated) <= 1 + 2 * OTHER_CONNECTIONS
    assert len(mailbox.deliveries) == HOLDERS + len(repeated)
    if FULL:
        with capsys.disabled():
            print(  # noqa: T201 - the figures this proof is run for
                f"\n{connection.vendor}: cancelling with 20 holders {few_queries} queries, "
                f"{few_seconds * 1000:.1f} ms; with {HOLDERS:,} {many_queries} queries, "
                f"{many_seconds * 1000:.1f} ms. {HOLDERS:,} written and sent in {seconds:.0f} s by "
                f"four workers, two of them killed; {len(mailbox.deliveries):,} deliveries, "
                f"{len(mailbox.message_ids):,} Message-IDs."
            )
