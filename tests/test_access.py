"""Every address of the site against every kind of person: what a GET answers.

The columns are a visitor, an attendee (holder of the ticket and of the notice), the event's
organiser, another organiser, an attendee promoted to organiser of this event, and staff. `in` is
the way to the sign-in page, `go` another redirect; `@draft` is the same address of a draft. A URL
that is missing from the table fails a test.
"""

import uuid
from datetime import timedelta

import pytest
from django.contrib.contenttypes.models import ContentType
from django.urls import get_resolver, reverse

from events.models import Event
from events.services import add_organiser, offer_organiser
from notifications.models import Notification, OutgoingEmail
from tests.accounts.factories import UserFactory
from tests.events.factories import CategoryFactory, EventFactory
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db

ROLES = ["visitor", "attendee", "organiser", "other", "promoted", "staff"]

TABLE = """
account_change_password                      in  200 200 200 200 200
account_confirm_email                        200 200 200 200 200 200
account_confirm_login_code                   in  go  go  go  go  go
account_email                                in  200 200 200 200 200
account_email_verification_sent              200 200 200 200 200 200
account_inactive                             200 200 200 200 200 200
account_login                                200 go  go  go  go  go
account_logout                               go  200 200 200 200 200
account_reauthenticate                       in  200 200 200 200 200
account_reset_password                       200 200 200 200 200 200
account_reset_password_done                  200 200 200 200 200 200
account_reset_password_from_key              200 200 200 200 200 200
account_reset_password_from_key_done         200 200 200 200 200 200
account_set_password                         in  go  go  go  go  go
account_signup                               200 go  go  go  go  go
accounts:become_organiser                    in  405 405 405 405 405
accounts:delete                              in  200 200 200 200 200
accounts:end_session                         in  405 405 405 405 405
accounts:export                              in  200 200 200 200 200
accounts:profile                             in  200 200 200 200 200
admin:account_emailaddress_add               go  go  403 403 403 200
admin:account_emailaddress_change            go  go  403 403 403 go
admin:account_emailaddress_changelist        go  go  403 403 403 200
admin:account_emailaddress_delete            go  go  403 403 403 go
admin:account_emailaddress_history           go  go  go  go  go  go
admin:accounts_user_add                      go  go  403 403 403 403
admin:accounts_user_change                   go  go  403 403 403 200
admin:accounts_user_changelist               go  go  403 403 403 200
admin:accounts_user_delete                   go  go  403 403 403 403
admin:accounts_user_history                  go  go  403 403 403 200
admin:accounts_user_remove_factors           go  go  403 403 403 200
admin:app_list                               go  go  200 200 200 200
admin:autocomplete                           go  go  403 403 403 403
admin:events_category_add                    go  go  403 403 403 200
admin:events_category_change                 go  go  403 403 403 200
admin:events_category_changelist             go  go  403 403 403 200
admin:events_category_delete                 go  go  403 403 403 200
admin:events_category_history                go  go  403 403 403 200
admin:events_event_add                       go  go  200 200 403 200
admin:events_event_archive                   go  go  200 404 200 200
admin:events_event_cancel                    go  go  200 404 200 200
admin:events_event_change                    go  go  200 go  200 200
admin:events_event_change@draft              go  go  200 go  go  200
admin:events_event_changelist                go  go  200 200 200 200
admin:events_event_copy                      go  go  405 405 405 405
admin:events_event_delete                    go  go  403 403 403 403
admin:events_event_delete@draft              go  go  200 403 403 200
admin:events_event_history                   go  go  200 go  200 200
admin:events_event_messages                  go  go  200 404 200 200
admin:events_event_organisers                go  go  200 404 200 200
admin:events_event_remove_organiser          go  go  405 405 405 405
admin:events_event_withdraw_offer            go  go  405 405 405 405
admin:index                                  go  go  200 200 200 200
admin:jsi18n                                 go  go  200 200 200 200
admin:login                                  in  403 go  go  go  go
admin:logout                                 go  go  go  go  go  go
admin:mfa_authenticator_add                  go  go  403 403 403 200
admin:mfa_authenticator_change               go  go  403 403 403 go
admin:mfa_authenticator_changelist           go  go  403 403 403 200
admin:mfa_authenticator_delete               go  go  403 403 403 go
admin:mfa_authenticator_history              go  go  go  go  go  go
admin:notifications_announcement_add         go  go  403 403 403 403
admin:notifications_announcement_change      go  go  403 403 403 go
admin:notifications_announcement_changelist  go  go  403 403 403 200
admin:notifications_announcement_delete      go  go  403 403 403 403
admin:notifications_announcement_history     go  go  go  go  go  go
admin:notifications_outgoingemail_add        go  go  403 403 403 403
admin:notifications_outgoingemail_change     go  go  403 403 403 200
admin:notifications_outgoingemail_changelist go  go  403 403 403 200
admin:notifications_outgoingemail_delete     go  go  403 403 403 403
admin:notifications_outgoingemail_history    go  go  403 403 403 200
admin:notifications_outgoingemail_send_again go  go  405 405 405 405
admin:password_change                        go  go  go  go  go  go
admin:password_change_done                   go  go  go  go  go  go
admin:tickets_ticket_add                     go  go  403 403 403 403
admin:tickets_ticket_change                  go  go  200 go  200 200
admin:tickets_ticket_changelist              go  go  200 200 200 200
admin:tickets_ticket_delete                  go  go  403 403 403 403
admin:tickets_ticket_history                 go  go  200 go  200 200
admin:usersessions_usersession_add           go  go  403 403 403 200
admin:usersessions_usersession_change        go  go  403 403 403 go
admin:usersessions_usersession_changelist    go  go  403 403 403 200
admin:usersessions_usersession_delete        go  go  403 403 403 go
admin:usersessions_usersession_history       go  go  go  go  go  go
admin:view_on_site                           go  go  go  404 go  go
cover                                        404 404 404 404 404 404
events:calendar                              200 200 200 200 200 200
events:detail                                200 200 200 200 200 200
events:detail@draft                          404 404 200 404 404 200
events:ics                                   200 200 200 200 200 200
events:ics@draft                             404 404 200 404 404 200
events:list                                  200 200 200 200 200 200
events:month                                 200 200 200 200 200 200
events:offer                                 in  200 404 404 404 404
events:past                                  200 200 200 200 200 200
healthz                                      200 200 200 200 200 200
live                                         204 204 204 204 204 204
mfa_activate_totp                            in  go  go  go  go  go
mfa_add_webauthn                             in  go  go  go  go  go
mfa_authenticate                             in  go  go  go  go  go
mfa_deactivate_totp                          in  404 404 404 404 404
mfa_download_recovery_codes                  in  404 404 404 404 404
mfa_edit_webauthn                            in  go  go  go  go  go
mfa_generate_recovery_codes                  in  go  go  go  go  go
mfa_index                                    in  200 200 200 200 200
mfa_list_webauthn                            in  200 200 200 200 200
mfa_login_webauthn                           in  go  go  go  go  go
mfa_reauthenticate                           in  go  go  go  go  go
mfa_reauthenticate_webauthn                  in  go  go  go  go  go
mfa_remove_webauthn                          in  go  go  go  go  go
mfa_view_recovery_codes                      in  404 404 404 404 404
metrics                                      404 404 404 404 404 404
notifications:list                           in  200 200 200 200 200
notifications:mark_all_read                  in  405 405 405 405 405
notifications:open                           in  go  404 404 404 404
notifications:preferences                    in  200 200 200 200 200
notifications:unsubscribe                    404 404 404 404 404 404
readyz                                       200 200 200 200 200 200
tickets:barcode_png                          in  200 200 404 200 200
tickets:barcode_svg                          in  200 200 404 200 200
tickets:cancel                               in  200 404 404 404 404
tickets:detail                               in  200 200 404 200 200
tickets:ics                                  in  200 404 404 404 404
tickets:list                                 in  200 200 200 200 200
tickets:note                                 in  go  404 404 404 404
tickets:request                              in  go  go  go  go  go
tickets:request@draft                        404 404 404 404 404 404
usersessions_list                            in  200 200 200 200 200
"""


ROWS = [line.split() for line in TABLE.strip().splitlines()]


@pytest.fixture
def world(organiser, other_organiser, staff, now):
    """One event with a draft, a ticket, a notice and an offer, and everybody who may want to see them."""
    event = EventFactory(organiser=organiser)
    EventFactory(organiser=other_organiser)
    promoted, attendee = UserFactory(), UserFactory()
    add_organiser(event, user=promoted, by=organiser)
    people = [None, attendee, organiser, other_organiser, promoted, staff]
    return {
        "people": dict(zip(ROLES, people, strict=True)),
        "event": event,
        "draft": EventFactory(organiser=organiser, status=Event.Status.DRAFT),
        "category": CategoryFactory(),
        "ticket": TicketFactory(event=event, holder=attendee),
        "notice": Notification.objects.create(
            recipient=attendee, kind="tickets.booked", key="x", url="/tickets/"
        ),
        "mail": OutgoingEmail.objects.create(address="a@example.org", kind="x", key="x"),
        "offer": offer_organiser(event, email=attendee.email, by=organiser, now=now),
        "past": EventFactory(organiser=organiser, starts_at=now - timedelta(days=3)),
    }


def named_urls(resolver=None, namespace=""):
    """The names of all URLs; allauth's and the admin's too."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if hasattr(pattern, "url_patterns") and str(pattern.pattern).startswith("api/"):
            continue  # tests/api/ has tables of its own
        if hasattr(pattern, "url_patterns"):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from named_urls(pattern, inner)
        elif pattern.name:
            yield f"{namespace}{pattern.name}"


def address_of(row_name, world):
    name, _at, variant = row_name.partition("@")
    event, ticket, someone = world[variant or "event"], world["ticket"], world["people"]["attendee"]
    of_model = {
        "accounts_user": someone.pk,
        "notifications_outgoingemail": world["mail"].pk,
        "events_category": world["category"].pk,
        "events_event": event.pk,
        "tickets_ticket": ticket.pk,
    }
    arguments = {
        "admin:view_on_site": [ContentType.objects.get_for_model(Event).pk, event.pk],
        "admin:app_list": ["events"],
        "admin:events_event_remove_organiser": [event.pk, world["people"]["promoted"].pk],
        "admin:events_event_withdraw_offer": [event.pk, world["offer"].pk],
        "accounts:end_session": [1],
        "account_confirm_email": ["no-such-key"],
        "account_reset_password_from_key": ["0", "no-key"],
        "mfa_remove_webauthn": [1],
        "mfa_edit_webauthn": [1],
        "notifications:unsubscribe": ["no-such-token"],
        "notifications:open": [world["notice"].pk],
        "cover": [f"{'0' * 32}.webp"],
        "tickets:request": [event.slug],
        "events:detail": [event.slug],
        "events:ics": [event.slug],
        "events:month": [2026, 11],
        "events:offer": [world["offer"].pk],
    }.get(name)
    if arguments is None and name.startswith("tickets:") and name != "tickets:list":
        arguments = [ticket.pk]
    if arguments is None and name.startswith("admin:") and not name.endswith(("list", "add")):
        model = next((model for model in of_model if name.startswith(f"admin:{model}_")), None)
        of_library = name.startswith(("admin:account_", "admin:mfa_", "admin:usersessions_"))
        of_library = of_library or name.startswith("admin:notifications_announcement")
        arguments = [of_model[model]] if model else [uuid.uuid4()] if of_library else []
    return reverse(name, args=arguments or [])


def answer(client, path):
    response = client.get(path)
    if response.status_code not in {301, 302}:
        return str(response.status_code)
    return "in" if response.url.startswith(reverse("account_login")) else "go"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_get_answers_each_person(client, world, row):
    name, *expected = row
    path = address_of(name, world)

    answers = []
    for person in world["people"].values():
        client.logout()
        if person is not None:
            client.force_login(person)
        answers.append(answer(client, path))

    assert answers == expected


def test_no_url_is_missing_from_the_table():
    rows = {row[0].partition("@")[0] for row in ROWS}

    assert sorted(rows) == sorted(set(named_urls()))
