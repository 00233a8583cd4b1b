"""The bell's list, e-mail choices, and leaving a kind from a mail (SPEC 5)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from events.notices import ADDED, FULL
from notifications import services
from notifications.mail import unsubscribe_token
from notifications.models import EmailOptOut, Notification
from tests.accounts.factories import UserFactory
from tickets.notices import BOOKED, CANCELLED

pytestmark = pytest.mark.django_db

LIST = reverse("notifications:list")
PREFERENCES = reverse("notifications:preferences")


def notice(person, title="Owls", **values):
    values = {"kind": ADDED, "url": "/events/owls-x/", "context": {"title": title}} | values
    return Notification.objects.create(recipient=person, key=str(uuid4()), **values)


@pytest.fixture
def signed_in(client, attendee):
    client.force_login(attendee)
    return client


NO_NOTICE = reverse("notifications:open", args=["00000000-0000-4000-8000-000000000000"])


@pytest.mark.parametrize("path", [LIST, PREFERENCES, NO_NOTICE])
def test_visitor_is_led_to_sign_in(client, path):
    answer = client.get(path)

    assert answer.status_code == 302
    assert reverse("account_login") in answer["Location"]


def test_list_shows_mine_newest_first_with_the_organisers_words(signed_in, attendee, now):
    notice(attendee, "Older", created_at=now - timedelta(hours=2))
    notice(
        attendee,
        kind=CANCELLED,
        context={"title": "<b>Newer</b>", "reason": "<i>Storm</i>"},
        created_at=now,
    )
    notice(UserFactory(), "Somebody else’s")

    page = signed_in.get(LIST).content.decode()

    assert page.index("&lt;b&gt;Newer") < page.index("Older")
    assert "&lt;i&gt;Storm&lt;/i&gt;" in page
    assert "Somebody else" not in page
    assert page.count("is-unread") == 2


def test_list_of_nobody_says_what_will_be_here(signed_in):
    assert "No notices yet" in signed_in.get(LIST).content.decode()


def test_list_goes_on_over_pages_without_a_gap(signed_in, attendee, now):
    for number in range(45):
        notice(attendee, f"Event-{number:02}", created_at=now - timedelta(minutes=number))

    seen, address = [], LIST
    while address:
        page = signed_in.get(address)
        seen += [shown.notice.context["title"] for shown in page.context["notices"]]
        cursor = page.context["next_cursor"]
        address = f"{LIST}?after={cursor}" if cursor else ""

    assert seen == [f"Event-{number:02}" for number in range(45)]


def test_list_with_a_bad_cursor_starts_again(signed_in):
    answer = signed_in.get(f"{LIST}?after=nonsense", follow=True)

    assert answer.redirect_chain == [(LIST, 302)]
    assert "does not exist any more" in answer.content.decode()


def test_list_shows_a_notice_whose_kind_is_gone(signed_in, attendee):
    notice(attendee, kind="gone.kind")

    assert "earlier version" in signed_in.get(LIST).content.decode()


def test_list_costs_the_same_queries_for_1_and_30_notices(signed_in, attendee):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            signed_in.get(LIST)
        return len(captured)

    notice(attendee)
    few = queries()
    for _n in range(29):
        notice(attendee)

    assert queries() == few


def test_reading_pages_writes_nothing(signed_in, attendee):
    mine = notice(attendee)
    signed_in.get(LIST)

    with CaptureQueriesContext(connection) as captured:
        for path in (LIST, PREFERENCES, reverse("notifications:open", args=[mine.pk])):
            signed_in.get(path)

    written = [q["sql"] for q in captured if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written == []
    mine.refresh_from_db()
    assert mine.read_at is None


def test_bell_counts_unread(signed_in, attendee):
    for _n in range(3):
        notice(attendee)

    assert "3 unread" in signed_in.get(LIST).content.decode()


def test_opening_by_post_marks_read_and_leads_on(signed_in, attendee):
    mine = notice(attendee)

    answer = signed_in.post(reverse("notifications:open", args=[mine.pk]))

    mine.refresh_from_db()
    assert answer["Location"] == "/events/owls-x/"
    assert mine.read_at is not None


def test_marking_read_stays_on_the_list(signed_in, attendee):
    mine = notice(attendee)

    answer = signed_in.post(reverse("notifications:open", args=[mine.pk]), {"stay": "1"})

    assert answer["Location"] == LIST
    assert services.unread_count(attendee) == 0


@pytest.mark.parametrize("method", ["get", "post"])
def test_somebody_elses_notice_is_not_found(signed_in, method):
    other = notice(UserFactory())

    answer = getattr(signed_in, method)(reverse("notifications:open", args=[other.pk]))

    other.refresh_from_db()
    assert answer.status_code == 404
    assert other.read_at is None


def test_mark_all_read_is_a_post(signed_in, attendee):
    notice(attendee)
    other = notice(UserFactory())
    path = reverse("notifications:mark_all_read")

    assert signed_in.get(path).status_code == 405
    assert services.unread_count(attendee) == 1
    assert signed_in.post(path)["Location"] == LIST

    other.refresh_from_db()
    assert services.unread_count(attendee) == 0
    assert other.read_at is None


def test_changes_need_the_csrf_token(attendee):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(attendee)
    mine = notice(attendee)

    answers = [
        strict.post(path).status_code
        for path in (
            reverse("notifications:mark_all_read"),
            reverse("notifications:open", args=[mine.pk]),
            PREFERENCES,
        )
    ]

    assert answers == [403, 403, 403]


def test_preferences_offer_optional_kinds_and_list_the_others(signed_in, attendee):
    services.opt_out(attendee, kind=FULL)

    page = signed_in.get(PREFERENCES).content.decode()

    assert f'value="{FULL}" id=' in page
    assert page.count(" checked") == page.count('name="kind"') - 1
    assert f'value="{BOOKED}"' not in page
    assert "An event I have a ticket for is cancelled" in page


def test_preferences_are_saved(signed_in, attendee):
    answer = signed_in.post(PREFERENCES, {"kind": [FULL, BOOKED, "nonsense"]}, follow=True)

    off = set(EmailOptOut.objects.filter(user=attendee).values_list("kind", flat=True))
    assert FULL not in off
    assert ADDED in off
    assert BOOKED not in off
    assert "Your choice is saved." in answer.content.decode()


@pytest.fixture
def leaving(attendee):
    return reverse("notifications:unsubscribe", args=[unsubscribe_token(attendee.pk, FULL)])


def test_unsubscribe_page_asks_first(client, leaving):
    page = client.get(leaving)

    assert "An event I organise is full" in page.content.decode()
    assert EmailOptOut.objects.count() == 0


def test_unsubscribe_button_acts_without_signing_in(client, leaving, attendee):
    page = client.post(leaving)

    assert "no more e-mails" in page.content.decode()
    assert not services.wants_mail(attendee.pk, FULL)
    assert services.wants_mail(attendee.pk, ADDED)


def test_mail_program_unsubscribes_with_one_click(leaving, attendee):
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post(leaving, {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert not services.wants_mail(attendee.pk, FULL)


def test_forged_or_mandatory_unsubscribe_is_not_found(client, leaving, attendee):
    mandatory = unsubscribe_token(attendee.pk, BOOKED)
    closed = unsubscribe_token(UserFactory(is_active=False).pk, FULL)

    for token in ("nonsense", f"{leaving.split('/')[-2]}x", mandatory, closed):
        path = reverse("notifications:unsubscribe", args=[token])
        assert client.post(path).status_code == 404

    assert EmailOptOut.objects.count() == 0


def test_pages_hold_to_the_policy(signed_in, attendee, leaving):
    notice(attendee)

    for path in (LIST, PREFERENCES, leaving):
        page = signed_in.get(path).content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick" not in page


def test_list_is_kept_by_no_cache(signed_in):
    assert "no-store" in signed_in.get(LIST)["Cache-Control"]


def test_created_moment_is_told(signed_in, attendee):
    notice(attendee, created_at=timezone.now() - timedelta(hours=3))

    assert "3\xa0hours ago" in signed_in.get(LIST).content.decode()
