"""Every operation of the API against every kind of person: the status of the answer.

The columns are those of `tests/test_access.py`: a visitor, an attendee (holder of the ticket and of the
notice, asked to help organise), the event's organiser, another organiser, an attendee promoted to organiser
of this event, and staff. `@draft` and the like is the same operation on another event. An operation that is
missing from the table fails a test; sign-in (allauth's) is `tests/api/test_auth.py`.
"""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from evento.api import api
from events.models import Event
from events.services import add_organiser, offer_organiser
from notifications.models import Notification
from tests.accounts.factories import PASSWORD, UserFactory
from tests.accounts.test_organiser_code import CODE
from tests.api.conftest import Program
from tests.api.test_events import MINIMAL
from tests.events.factories import EventFactory
from tests.events.test_covers import encoded, picture
from tests.tickets.factories import TicketFactory

ROLES = ["visitor", "attendee", "organiser", "other", "promoted", "staff"]

TABLE = """
accept_offer                    401 200 404 404 404 404
add_organiser                   401 403 202 403 202 202
add_organiser@draft             401 404 202 404 404 202
archive_event                   401 403 409 403 409 409
archive_event@past              401 403 200 403 403 200
become_organiser                401 200 200 200 200 200
book_ticket                     401 200 201 201 201 201
book_ticket@draft               401 404 404 404 404 404
cancel_event                    401 403 200 403 200 200
cancel_event@draft              401 404 409 404 404 409
cancel_ticket                   401 200 403 404 403 403
change_event                    401 403 200 403 200 200
change_event@draft              401 404 200 404 404 200
change_me                       401 200 200 200 200 200
change_ticket                   401 200 403 404 403 403
choose_notification_emails      401 200 200 200 200 200
copy_event                      401 403 201 403 403 201
copy_event@draft                401 404 201 404 404 201
count_unread_notifications      401 200 200 200 200 200
create_event                    401 403 201 201 403 201
delete_event                    401 403 409 403 409 409
delete_event@draft              401 404 204 404 404 204
delete_me                       401 204 204 409 204 204
export_me                       401 200 200 200 200 200
get_barcode_png                 401 200 200 404 200 200
get_barcode_svg                 401 200 200 404 200 200
get_event                       200 200 200 200 200 200
get_event@archived              404 404 200 404 404 200
get_event@draft                 404 404 200 404 404 200
get_me                          401 200 200 200 200 200
get_ticket                      401 200 200 404 200 200
list_categories                 200 200 200 200 200 200
list_event_tickets              401 403 200 403 200 200
list_event_tickets@draft        401 404 200 404 404 200
list_events                     200 200 200 200 200 200
list_messages                   401 403 200 403 200 200
list_messages@draft             401 404 200 404 404 200
list_my_events                  401 200 200 200 200 200
list_my_offers                  401 200 200 200 200 200
list_notification_preferences   401 200 200 200 200 200
list_notifications              401 200 200 200 200 200
list_offers                     401 403 200 403 200 200
list_offers@draft               401 404 200 404 404 200
list_organisers                 401 403 200 403 200 200
list_organisers@draft           401 404 200 404 404 200
list_tickets                    401 200 200 200 200 200
mark_all_notifications_read     401 204 204 204 204 204
mark_notification_read          401 200 404 404 404 404
publish_event                   401 403 409 403 409 409
publish_event@draft             401 404 200 404 404 200
remove_cover                    401 403 200 403 200 200
remove_organiser                401 403 204 403 204 204
remove_organiser@draft          401 404 404 404 404 404
send_message                    401 403 201 403 201 201
send_message@draft              401 404 409 404 404 409
set_cover                       401 403 200 403 200 200
set_cover@draft                 401 404 200 404 404 200
withdraw_offer                  401 403 204 403 204 204
withdraw_offer@draft            401 404 404 404 404 404
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]

BODIES = {
    "add_organiser": {"email": "nobody@example.org"},
    "become_organiser": {"organiser_code": CODE},
    "change_event": {"description": "Another one."},
    "change_me": {"display_name": "Ada"},
    "change_ticket": {"note": "By bike"},
    "choose_notification_emails": {"email": False},
    "create_event": MINIMAL,
    "delete_me": {"password": PASSWORD},
    "send_message": {"subject": "Bring tools", "text": "There are too few."},
}


def operations():
    """Method and path of each operation, by its id; without allauth's."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method, operation in methods.items()
        if not path.startswith("/api/v1/auth/")
    }


@pytest.fixture
def world(organiser, other_organiser, staff, now):
    promoted, attendee = UserFactory(), UserFactory()
    event = EventFactory(organiser=organiser)
    EventFactory(organiser=other_organiser)
    add_organiser(event, user=promoted, by=organiser)
    past = now - timedelta(days=3)
    ticket = TicketFactory(event=event, holder=attendee)
    notice = Notification.objects.create(
        recipient=attendee,
        kind="tickets.ticket_booked",
        key="x",
        url="/tickets/",
        context={"ticket": str(ticket.pk), "title": event.title},
    )
    return {
        "people": dict(
            zip(ROLES, [None, attendee, organiser, other_organiser, promoted, staff], strict=True)
        ),
        "events": {
            "": event,
            "draft": EventFactory(organiser=organiser, status=Event.Status.DRAFT),
            "past": EventFactory(organiser=organiser, starts_at=past),
            "archived": EventFactory(organiser=organiser, starts_at=past, archived_at=now),
        },
        "parts": {
            "ticket_id": ticket.pk,
            "person_id": promoted.pk,
            "offer_id": offer_organiser(event, email=attendee.email, by=organiser, now=now).pk,
            "notification_id": notice.pk,
            "kind": "events.event_full",
        },
    }


def call(program, name, path, method):
    if name == "set_cover":
        upload = SimpleUploadedFile("x.png", encoded(picture()), content_type="image/png")
        return program.post(path, {"cover": upload})
    return program.generic(method, path, BODIES.get(name, ""))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_operation_answers_each_person(world, row):
    names, *expected = row
    name, _at, variant = names.partition("@")
    method, template = operations()[name]
    path = template.format(slug=world["events"][variant].slug, **world["parts"])

    answers = []
    for person in world["people"].values():
        program = Program()
        if person is not None:
            program.force_login(person)
        before = transaction.savepoint()
        answers.append(str(call(program, name, path, method).status_code))
        transaction.savepoint_rollback(before)  # the next one meets the world as it was

    assert answers == expected


def test_no_operation_is_missing_from_the_table():
    assert {row[0].partition("@")[0] for row in ROWS} == set(operations())
