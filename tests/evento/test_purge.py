"""`purge` removes what is old and done, and nothing else."""

import io
from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User, UsernameHold, WrongOrganiserCode
from accounts.purging import remove_never_verified
from evento.database import delete_in_batches
from events.models import Event
from notifications.models import Announcement, EmailOptOut, Notification, OutgoingEmail
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import HolderMessage, Ticket
from tickets.services.purging import remove_archived_event

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def purge(**options):
    out = io.StringIO()
    call_command("purge", stdout=out, **options)
    return out.getvalue()


def mail(key, *, state, age, recipient=None):
    return OutgoingEmail.objects.create(
        key=key,
        kind="x",
        address="a@example.org",
        state=state,
        created_at=timezone.now() - age,
        recipient=recipient,
    )


def stranger(name, *, age, **values):
    """Somebody who signed up so long ago and never confirmed the address."""
    person = UserFactory(username=name, verified=False, **values)
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=False)
    User.objects.filter(pk=person.pk).update(date_joined=timezone.now() - age)
    return person


def test_sessions_that_have_ended_go_with_their_place_in_the_list_of_devices(attendee, now):
    for key, expires in (("ended", now - DAY), ("open", now + DAY)):
        Session.objects.create(session_key=key, session_data="", expire_date=expires)
        UserSession.objects.create(
            user=attendee, ip="127.0.0.1", session_key=key, user_agent="x", created_at=now - 2 * DAY
        )
    UserSession.objects.create(user=attendee, ip="127.0.0.1", session_key="new", user_agent="x")

    purge()

    assert set(Session.objects.values_list("pk", flat=True)) == {"open"}
    assert set(UserSession.objects.values_list("session_key", flat=True)) == {"open", "new"}


def test_mails_that_are_done_go_after_90_days_and_no_others(db):
    for state in OutgoingEmail.State:
        mail(f"old-{state}", state=state, age=91 * DAY)
    mail("new-sent", state="sent", age=89 * DAY)

    purge()

    assert set(OutgoingEmail.objects.values_list("key", flat=True)) == {
        *("old-queued", "old-sending", "old-parked", "new-sent")
    }


def test_announcements_go_90_days_after_they_reached_everybody(now):
    for kind, expanded in (("done", now - 91 * DAY), ("new", now - DAY), ("waits", None)):
        Announcement.objects.create(
            kind=kind,
            about="12345678123456781234567812345678",
            caused_at=now - 99 * DAY,
            expanded_at=expanded,
        )

    purge()

    assert set(Announcement.objects.values_list("kind", flat=True)) == {"new", "waits"}


def test_notices_go_after_a_year(attendee, now):
    for key, age in (("old", 366 * DAY), ("new", 364 * DAY)):
        Notification.objects.create(recipient=attendee, kind="x", key=key, created_at=now - age)

    purge()

    assert Notification.objects.get().key == "new"


def test_accounts_never_confirmed_go_after_30_days_with_their_mails(db):
    old = stranger("old", age=31 * DAY)
    mail("welcome", state="sent", age=31 * DAY, recipient=old)
    Notification.objects.create(recipient=old, kind="x", key="welcome")
    EmailOptOut.objects.create(user=old, kind="x")
    stranger("new", age=29 * DAY)
    stranger("closed", age=31 * DAY, is_active=False)
    stranger("staff", age=31 * DAY, is_staff=True)
    stranger("was-here", age=31 * DAY, last_login=timezone.now())
    User.objects.filter(pk=UserFactory(username="confirmed").pk).update(
        date_joined=timezone.now() - 99 * DAY
    )

    purge()

    names = set(User.objects.values_list("username", flat=True))
    assert names == {"new", "closed", "staff", "was-here", "confirmed"}
    assert not OutgoingEmail.objects.exists()
    assert not EmailAddress.objects.filter(email=old.email).exists()


def test_account_that_something_points_to_stays_whole(db):
    person = stranger("holder", age=31 * DAY)
    TicketFactory(holder=person)
    mail("welcome", state="sent", age=31 * DAY, recipient=person)

    purge()

    assert User.objects.filter(pk=person.pk).exists()
    assert OutgoingEmail.objects.filter(recipient=person).exists()


def test_account_confirmed_since_it_was_listed_stays(now):
    person = UserFactory(verified=True)
    User.objects.filter(pk=person.pk).update(date_joined=now - 99 * DAY)

    assert remove_never_verified(person.pk, now=now) is False
    assert User.objects.filter(pk=person.pk).exists()


def test_account_goes_with_the_archived_event_that_alone_held_it(organiser, now):
    person = stranger("holder", age=400 * DAY)
    TicketFactory(
        holder=person, event=EventFactory(organiser=organiser, archived_at=now - 366 * DAY)
    )

    purge()

    assert not User.objects.filter(pk=person.pk).exists()


def test_event_that_is_archived_no_more_stays_and_one_that_is_gone_is_no_error(now):
    event = EventFactory()

    remove_archived_event(event.pk, now=now)
    remove_archived_event(uuid4(), now=now)

    assert Event.objects.filter(pk=event.pk).exists()


@pytest.mark.parametrize(("age", "taken"), [(29 * DAY, True), (31 * DAY, False)])
def test_username_is_free_again_at_the_same_age_with_and_without_an_account(age, taken):
    """Whoever signed up learns nothing from it about whether the address was known (SPEC 1)."""
    UsernameHold.objects.create(username="known", held_at=timezone.now() - age)
    stranger("unknown", age=age)

    purge()

    assert User.objects.is_username_taken("known") is taken
    assert User.objects.is_username_taken("unknown") is taken


def test_wrong_codes_go_when_they_count_no_more(now):
    for address, age in (("10.0.0.1", timedelta(hours=2)), ("10.0.0.2", timedelta(minutes=5))):
        WrongOrganiserCode.objects.create(address=address, entered_at=now - age)

    purge()

    assert WrongOrganiserCode.objects.get().address == "10.0.0.2"


def test_events_archived_a_year_ago_go_with_all_that_hangs_on_them(
    organiser, now, settings, django_capture_on_commit_callbacks
):
    covers = settings.MEDIA_ROOT / "covers"
    covers.mkdir(parents=True)
    for name in ("a.webp", "a-small.webp", "b.webp"):
        (covers / name).touch()
    kept = {"archived_at": now - 364 * DAY, "cover": "covers/b.webp"}
    for values in ({"archived_at": now - 366 * DAY, "cover": "covers/a.webp"}, kept, {}):
        event = EventFactory(organiser=organiser, **values)
        TicketFactory(event=event)
        HolderMessage.objects.create(
            event=event, sender=organiser, subject="x", text="x", holder_count=1, sent_at=now
        )

    with django_capture_on_commit_callbacks(execute=True):
        purge()

    assert Event.objects.count() == Ticket.objects.count() == HolderMessage.objects.count() == 2
    assert not Event.objects.filter(archived_at__lt=now - 365 * DAY).exists()
    assert [path.name for path in covers.iterdir()] == ["b.webp"]


def test_dry_run_says_what_would_go_without_numbers_and_removes_nothing(now):
    for n in range(3):
        mail(f"old-{n}", state="sent", age=91 * DAY)

    said = purge(dry_run=True)

    assert "Mails that are done: some\n" in said
    assert "Old notices: none\n" in said
    assert not any(character.isdigit() for character in said)
    assert OutgoingEmail.objects.count() == 3


def test_rows_are_deleted_in_batches(django_assert_num_queries):
    for n in range(5):
        UsernameHold.objects.create(username=f"person{n}")

    # Three times keys and rows, and once nothing more.
    with django_assert_num_queries(7):
        assert delete_in_batches(UsernameHold.objects.all(), size=2) == 5
    assert not UsernameHold.objects.exists()
