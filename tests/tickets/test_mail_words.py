"""Each kind of mail, written by kept frames, is what would be rendered for its reader alone."""

import uuid

import pytest
import time_machine
from django.conf import settings
from django.template import Context, Engine
from django.urls import reverse
from django.utils import timezone, translation

from events import notices as event_notices
from events.availability import Availability
from events.models import EventOrganiser, OrganiserOffer
from notifications import frames, kinds
from notifications.mail import absolute, compose, unsubscribe_token
from notifications.models import OutgoingEmail
from notifications.reading import letters_of
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets import notices
from tickets.models import HolderMessage

pytestmark = pytest.mark.django_db

NAMES = [
    "Ada",
    "<script>alert(1)</script>",
    "{{ event.title }} {% now 'Y' %} {# x #}",
    "%s %(name)s %% \\1 \\g<0>",
    "0123456789abcdef" * 2,
    '"O\'Zoë" & 猫 🦉',
    "two\r\nlines\n\n.\nFrom ",
    "x" * 100,
]
STATUSES = {
    notices.CANCELLED: "cancelled",
    event_notices.CANCELLED: "cancelled",
    event_notices.OFFERED: "published",
}


@pytest.fixture(params=["plain", "hostile"])
def event(request):
    words = "Owls" if request.param == "plain" else "\n".join(NAMES)[:150]
    return EventFactory(
        title=words,
        location=words,
        organiser_name=words[:120],
        contact=words,
        online_url="https://meet.example/?a=1&b=<2>",
        cancellation_reason=words,
    )


@pytest.fixture
def clock_stands():
    """Links that end e-mails hold the second in which they are signed."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


def mail_of(kind, event, person, canceller, message):
    """An outbox row of any kind, with what it is about."""
    event.status = STATUSES.get(kind, "published")
    event.save(update_fields=["status"])
    by = str(canceller.pk) if canceller else None
    context = {
        "event": str(event.pk),
        "left": 2,
        "capacity": 9,
        "by": by,
        "message": str(message.pk),
    }
    context["changes"] = {"location": ["<old> & “x”", event.location], "online_url": True}
    status = "cancelled" if kind == notices.GIVEN_BACK else "valid"
    ticket = TicketFactory(event=event, holder=person, status=status)
    if not event.organisers.filter(pk=person.pk).exists():
        EventOrganiser.objects.create(event=event, user=person, added_at=timezone.now())
    offer = OrganiserOffer.objects.create(
        event=event, email=f"{person.pk}@x.example", offered_by=person, offered_at=timezone.now()
    )
    context |= {"ticket": str(ticket.pk), "offer": str(offer.pk)}
    row = OutgoingEmail(
        recipient=None if kind == event_notices.OFFERED else person,
        address=person.email,
        kind=kind,
        key=str(uuid.uuid4()),
        context=context,
    )
    return row, ticket, offer


def written(row):
    """The message as the worker writes it."""
    return compose(row, letters_of([row])[row.pk])


def alone(kind, row, **about):
    """Subject, text and HTML as templates make them of the real rows, for this reader alone."""
    event = about["event"]
    unsubscribe = ""
    if kind.optional:
        token = unsubscribe_token(row.recipient_id, kind.name)
        unsubscribe = absolute(reverse("notifications:unsubscribe", args=[token]))
    context = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "recipient": row.recipient,
        "unsubscribe_url": unsubscribe,
        "event_url": absolute(event.get_absolute_url()),
        "when": event_notices.when(event),
        "zone": event_notices.zone_phrase(event),
        "ticket_url": absolute(about["ticket"].get_absolute_url()),
        "changes": notices.change_lines(row.context["changes"]),
        "counts": Availability(9, 7),
        "offered_by": about["offer"].offered_by,
        "offer_url": absolute(reverse("events:offer", args=[about["offer"].pk])),
        **about,
    }
    found = [
        Engine.get_default()
        .get_template(f"{kind.template}_{part}")
        .render(Context(context, autoescape=part.endswith("html")))
        for part in ("subject.txt", "message.txt", "message.html")
    ]
    subject = " ".join("".join(c if c.isprintable() else " " for c in found[0]).split())
    return subject, found[1].strip() + "\n", found[2]


@pytest.mark.parametrize("name", sorted(kinds._kinds))
def test_mail_is_the_one_that_would_be_rendered_for_its_reader_alone(event, name, clock_stands):
    kind = kinds.get(name)
    message = HolderMessage.objects.create(
        event=event,
        sender=UserFactory(),
        subject="".join(NAMES)[:100],
        text="\n\n".join(NAMES),
        holder_count=1,
        sent_at=timezone.now(),
    )
    frames._frame.cache_clear()
    for number, called in enumerate(NAMES):
        person = UserFactory(display_name=called)
        # With and without somebody who cancelled.
        canceller = UserFactory(display_name=NAMES[-number]) if number % 2 else None
        row, ticket, offer = mail_of(name, event, person, canceller, message)

        sent = written(row)

        with translation.override(settings.LANGUAGE_CODE):
            expected = alone(
                kind,
                row,
                event=event,
                ticket=ticket,
                offer=offer,
                message=message,
                canceller=canceller,
            )
        assert (sent.subject, sent.body, sent.alternatives[0][0]) == expected
    assert frames._frame.cache_info().misses == (2 if name == event_notices.CANCELLED else 1)


def test_an_event_that_changes_is_said_as_it_is_now(event):
    person, message = UserFactory(), HolderMessage()
    row, ticket, _offer = mail_of(notices.BOOKED, event, person, None, message)
    before = written(row)

    event.title, event.location = "Newts", "Weir"
    event.save()
    after = written(row)

    assert "Weir" not in before.body
    assert after.subject == "Your ticket for Newts"
    for text in (after.body, after.alternatives[0][0]):
        assert "Weir" in text
        assert ticket.code_in_groups in text
