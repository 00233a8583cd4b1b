"""Announcements reach everybody once, whatever happens in between (SPEC 5)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from events.models import EventOrganiser
from events.services import cancel_event
from notifications import expanding, kinds
from notifications.expanding import expand_next
from notifications.models import Announcement, Notification, OutgoingEmail
from tests.accounts.factories import UserFactory
from tests.tickets.factories import TicketFactory
from tickets import notices

pytestmark = pytest.mark.django_db


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(expanding, "CHUNK", 2)


def expand_all():
    while expand_next(timezone.now()):
        pass


def keys(model):
    return sorted(model.objects.values_list("recipient_id", flat=True))


def test_every_chunk_is_told_once(event, small_chunks):
    holders = [ticket.holder_id for ticket in TicketFactory.create_batch(5, event=event)]
    cancel_event(event, by=event.organisers.get())

    steps = 0
    while expand_next(timezone.now()):
        steps += 1

    assert steps == 3
    assert keys(Notification) == keys(OutgoingEmail) == sorted(holders)
    assert Announcement.objects.get().expanded_at is not None


def test_expanding_again_from_the_start_tells_nobody_twice(event, small_chunks):
    holders = [ticket.holder_id for ticket in TicketFactory.create_batch(3, event=event)]
    cancel_event(event, by=event.organisers.get())
    expand_all()

    Announcement.objects.update(expanded_up_to="", expanded_at=None)
    expand_all()

    assert keys(Notification) == keys(OutgoingEmail) == sorted(holders)


def test_holder_who_organises_is_told_once_across_chunks(event, small_chunks):
    people = [ticket.holder for ticket in TicketFactory.create_batch(3, event=event)]
    for person in people:
        EventOrganiser.objects.create(event=event, user=person, added_at=timezone.now())
    cancel_event(event, by=None)

    expand_all()

    kinds_told = sorted(Notification.objects.values_list("kind", flat=True))
    assert kinds_told == ["events.event_cancelled"] + [notices.CANCELLED] * 3
    assert OutgoingEmail.objects.count() == 4


def test_interrupted_chunk_leaves_nothing_behind(event, monkeypatch, caplog):
    TicketFactory.create_batch(3, event=event)
    cancel_event(event, by=event.organisers.get())

    def broken(_people):
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(expanding, "_opted_out", broken)
        assert expand_next(timezone.now())

    announcement = Announcement.objects.get()
    assert Notification.objects.count() == OutgoingEmail.objects.count() == 0
    assert (announcement.expanded_up_to, announcement.expanded_at) == ("", None)
    assert "power cut" in announcement.last_error
    assert not expand_next(timezone.now())
    assert expand_next(timezone.now() + timedelta(minutes=6))
    assert Notification.objects.count() == 3


def test_announcement_nobody_can_expand_keeps_no_other(event, caplog):
    Announcement.objects.create(
        kind="gone.kind", about=event.pk, caused_at=timezone.now() - timedelta(days=1)
    )
    Announcement.objects.create(kind=notices.BOOKED, about=event.pk, caused_at=timezone.now())
    TicketFactory(event=event)
    cancel_event(event, by=event.organisers.get())

    expand_all()

    assert Notification.objects.count() == 1
    errors = sorted(
        Announcement.objects.exclude(last_error="").values_list("last_error", flat=True)
    )
    assert len(errors) == 2
    assert "has no audience" in "".join(errors)


def test_closed_accounts_are_no_audience(event):
    TicketFactory(event=event, holder=UserFactory(is_active=False))
    cancel_event(event, by=event.organisers.get())

    expand_all()

    assert Notification.objects.count() == 0


def test_notices_bear_the_moment_of_their_cause(event):
    TicketFactory(event=event)
    cancel_event(event, by=event.organisers.get())

    expand_next(timezone.now() + timedelta(hours=1))

    caused_at = Announcement.objects.get().caused_at
    assert Notification.objects.get().created_at == caused_at
    assert OutgoingEmail.objects.get().created_at == caused_at


def test_expanding_costs_the_same_queries_for_2_and_30_holders(django_assert_num_queries):
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    def queries(count):
        tickets = TicketFactory.create_batch(1)
        event = tickets[0].event
        TicketFactory.create_batch(count - 1, event=event)
        cancel_event(event, by=None)
        with CaptureQueriesContext(connection) as captured:
            expand_all()
        return len(captured)

    assert queries(2) == queries(30)


def test_registering_another_kind_under_a_name_is_refused():
    with pytest.raises(ValueError, match="another kind"):
        kinds.register(kinds.Kind(notices.BOOKED, "Other", letters=lambda _mails: []))


@pytest.mark.parametrize("name", ["nodot", "app.", f"app.{'x' * 80}"])
def test_kind_has_the_name_of_its_app_before_its_own(name):
    with pytest.raises(ValueError, match="named"):
        kinds.register(kinds.Kind(name, "Wrong", letters=lambda _mails: []))


def test_every_kind_has_its_templates():
    from django.template.loader import get_template  # noqa: PLC0415

    for kind in [
        *kinds.optional_kinds(),
        *kinds.mandatory_kinds(),
        kinds.get("events.organiser_offered"),
    ]:
        for suffix in ("subject.txt", "message.txt", "message.html"):
            assert get_template(f"{kind.template}_{suffix}")
