"""An event's own pages in the admin: copy, cancel, archive, organisers (SPEC 1, 2)."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from events.models import Event, EventOrganiser, OrganiserOffer
from events.services import add_organiser, cancel_event
from events.signals import event_cancelled, organiser_added, organiser_offered
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.signals import heard
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db


def url(name, event, **kwargs):
    return reverse(f"admin:events_event_{name}", kwargs={"event_id": event.pk, **kwargs})


@pytest.fixture
def signed_in(client, organiser):
    client.force_login(organiser)
    return client


@pytest.fixture
def past(organiser):
    return EventFactory(organiser=organiser, starts_at=timezone.now() - timedelta(days=3))


def organisers_of(event):
    return {row.user for row in EventOrganiser.objects.filter(event=event)}


def test_copy_is_a_new_draft_of_ones_own(signed_in, event, organiser):
    response = signed_in.post(url("copy", event))

    copy = Event.objects.exclude(pk=event.pk).get()
    assert response.url == reverse("admin:events_event_change", args=[copy.pk])
    assert (copy.title, copy.status) == (event.title, Event.Status.DRAFT)
    assert organisers_of(copy) == {organiser}


def test_promoted_organiser_is_not_offered_to_copy(client, event, organiser):
    promoted = UserFactory()
    add_organiser(event, user=promoted, by=organiser)
    client.force_login(promoted)

    page = client.get(reverse("admin:events_event_change", args=[event.pk]))

    assert [tool.label for tool in page.context["tools"]] == [
        "View on site",
        "Tickets",
        "Messages",
        "Organisers",
        "History",
        "Cancel event",
    ]


def test_cancelling_asks_first_and_says_how_many_people_it_reaches(
    signed_in, event, organiser, attendee
):
    add_organiser(event, user=attendee, by=organiser)
    TicketFactory(event=event, holder=attendee)  # a co-organiser too: one person
    TicketFactory(event=event)
    TicketFactory(event=event, status="cancelled")
    TicketFactory()

    with heard(event_cancelled) as cancelled:
        response = signed_in.get(url("cancel", event))

    assert response.context["people"] == 2
    assert "2 people will be told" in response.text
    assert cancelled == []
    assert Event.objects.get(pk=event.pk).is_published


def test_cancelling_by_the_button_cancels_with_the_reason(signed_in, event, organiser):
    with heard(event_cancelled) as cancelled:
        response = signed_in.post(url("cancel", event), {"reason": " The roof leaks "})

    event.refresh_from_db()
    assert response.url == reverse("admin:events_event_change", args=[event.pk])
    assert event.is_cancelled
    assert event.cancellation_reason == "The roof leaks"
    assert [call["by"] for call in cancelled] == [organiser]


def test_cancelling_with_too_long_a_reason_is_an_error_in_the_form(signed_in, event):
    response = signed_in.post(url("cancel", event), {"reason": "x" * 1001})

    assert list(response.context["form"].errors) == ["reason"]
    assert Event.objects.get().is_published


@pytest.mark.parametrize("method", ["get", "post"])
def test_past_event_is_not_cancelled(signed_in, past, method):
    response = getattr(signed_in, method)(url("cancel", past), follow=True)

    assert "cancelled" in " ".join(str(m) for m in response.context["messages"])
    assert Event.objects.get().is_published


@pytest.mark.parametrize("kind", ["past", "cancelled"])
def test_archiving_asks_first_and_then_archives(signed_in, past, event, organiser, kind):
    if kind == "cancelled":
        cancel_event(event, by=organiser)
    chosen = {"past": past, "cancelled": event}[kind]

    asked = signed_in.get(url("archive", chosen))
    before = Event.objects.get(pk=chosen.pk).archived_at
    signed_in.post(url("archive", chosen))

    assert asked.status_code == 200
    assert before is None
    assert Event.objects.get(pk=chosen.pk).archived_at is not None


def test_upcoming_event_is_not_archived(signed_in, event):
    response = signed_in.post(url("archive", event), follow=True)

    assert "Only an event that is over or cancelled can be archived." in response.text
    assert Event.objects.get().archived_at is None


def test_holder_becomes_an_organiser_at_once_and_is_told(signed_in, event, organiser):
    holder = TicketFactory(event=event).holder

    with heard(organiser_added) as added:
        signed_in.post(url("organisers", event), {"email": holder.email.upper()})

    assert organisers_of(event) == {organiser, holder}
    assert [call["user"] for call in added] == [holder]
    assert not holder.is_organiser


def test_anybody_else_is_offered_alike_with_and_without_an_account(
    signed_in, event, organiser, attendee
):
    pages = []
    for email in (attendee.email, "nobody@example.org"):
        with heard(organiser_offered) as offered:
            response = signed_in.post(url("organisers", event), {"email": email}, follow=True)
        assert len(offered) == 1
        told = [str(message).replace(email, "X") for message in response.context["messages"]]
        shown = OrganiserOffer.objects.get(email=email)
        pages.append((response.status_code, told, "offered" in response.text))
        shown.delete()

    assert pages[0] == pages[1]
    assert organisers_of(event) == {organiser}


def test_holder_of_a_cancelled_ticket_is_only_offered(signed_in, event, organiser):
    holder = TicketFactory(event=event, status="cancelled").holder

    signed_in.post(url("organisers", event), {"email": holder.email})

    assert organisers_of(event) == {organiser}
    assert [offer.email for offer in OrganiserOffer.objects.all()] == [holder.email]


def test_organiser_named_again_is_neither_added_nor_offered(signed_in, event, organiser):
    signed_in.post(url("organisers", event), {"email": organiser.email})

    assert organisers_of(event) == {organiser}
    assert not OrganiserOffer.objects.exists()


def test_what_is_no_address_is_an_error_in_the_form(signed_in, event):
    response = signed_in.post(url("organisers", event), {"email": "somebody"})

    assert list(response.context["form"].errors) == ["email"]
    assert mail.outbox == []


def test_offer_is_withdrawn(signed_in, event, organiser):
    signed_in.post(url("organisers", event), {"email": "x@example.org"})
    offer = OrganiserOffer.objects.get()

    signed_in.post(url("withdraw_offer", event, offer_id=offer.pk))

    assert not OrganiserOffer.objects.exists()


def test_offer_of_another_event_is_not_withdrawn_through_ones_own(
    signed_in, event, other_organiser
):
    foreign = EventFactory(organiser=other_organiser)
    offer = OrganiserOffer.objects.create(
        event=foreign,
        email="x@example.org",
        offered_by=other_organiser,
        offered_at=timezone.now(),
    )

    response = signed_in.post(url("withdraw_offer", event, offer_id=offer.pk))

    assert response.status_code == 404
    assert OrganiserOffer.objects.exists()


def test_organiser_is_removed_but_never_the_last(signed_in, event, organiser, attendee):
    add_organiser(event, user=attendee, by=organiser)

    signed_in.post(url("remove_organiser", event, user_id=attendee.pk))
    last = signed_in.post(url("remove_organiser", event, user_id=organiser.pk), follow=True)

    assert organisers_of(event) == {organiser}
    assert "An event needs an organiser." in last.text


def test_promoted_organiser_who_leaves_is_led_out_of_the_admin(client, event, organiser, attendee):
    add_organiser(event, user=attendee, by=organiser)
    client.force_login(attendee)

    response = client.post(url("remove_organiser", event, user_id=attendee.pk))

    assert response.url == reverse("events:list")
    assert organisers_of(event) == {organiser}


def test_candidates_are_holders_of_this_event_found_by_name(signed_in, event):
    ada = TicketFactory(event=event, holder__display_name="Ada Lovelace").holder
    TicketFactory(event=event, holder__display_name="Grace Hopper")
    TicketFactory(holder__display_name="Ada Elsewhere")
    UserFactory(display_name="Ada Stranger")

    response = signed_in.get(url("organisers", event), {"q": "ada"})

    assert response.context["candidates"] == [ada]


def test_words_with_nul_find_nobody_and_fail_nowhere(signed_in, event):
    assert signed_in.get(url("organisers", event), {"q": "\0ada"}).status_code == 200


def test_offers_are_limited_because_each_is_a_mail_to_whom_one_names(signed_in, event):
    for n in range(31):
        signed_in.post(url("organisers", event), {"email": f"stranger{n}@example.org"})

    assert OrganiserOffer.objects.count() == 30
    assert "Wait an hour" in signed_in.get(url("organisers", event)).content.decode()


def test_words_of_people_are_escaped(signed_in, event, organiser):
    event.title = "<script>alert(1)</script>"
    event.save(update_fields=["title"])
    TicketFactory(event=event, holder__display_name="<b>Bold</b>", note="<i>note</i>")

    for page in (
        reverse("admin:events_event_changelist"),
        reverse("admin:events_event_change", args=[event.pk]),
        url("organisers", event),
        url("cancel", event),
        reverse("admin:tickets_ticket_changelist"),
    ):
        html = signed_in.get(page).text
        assert "<script>alert" not in html
        assert "<b>Bold" not in html
        assert "<i>note" not in html


def test_list_opens_with_what_is_next_and_ends_with_what_is_long_over(signed_in, organiser):
    now = timezone.now()
    for title, hours in [("Later", 90), ("Over", -50), ("Running", -1), ("Soon", 5), ("Old", -900)]:
        EventFactory(organiser=organiser, title=title, starts_at=now + timedelta(hours=hours))

    shown = signed_in.get(reverse("admin:events_event_changelist")).context["cl"].result_list

    assert [event.title for event in shown] == ["Running", "Soon", "Later", "Over", "Old"]


def test_first_page_shows_the_next_events_with_their_places(signed_in, organiser, other_organiser):
    now = timezone.now()
    mine = [
        EventFactory(organiser=organiser, starts_at=now + timedelta(days=day)) for day in (9, 3, 6)
    ]
    EventFactory(organiser=other_organiser, title="Foreign", starts_at=now + timedelta(days=1))
    EventFactory(organiser=organiser, starts_at=now - timedelta(days=1))
    TicketFactory(event=mine[1])

    page = signed_in.get(reverse("admin:index"))

    assert [row["event"] for row in page.context["next_events"]] == [mine[1], mine[2], mine[0]]
    assert f"1 of {mine[1].capacity}" in page.text
    assert "Foreign" not in page.text


@pytest.mark.parametrize(
    "name",
    ["events_category_changelist", "events_category_add", "accounts_user_changelist", "app_list"],
)
def test_breadcrumbs_begin_with_manage_on_every_page(client, staff, name):
    client.force_login(staff)

    page = client.get(reverse(f"admin:{name}", args=["events"] if name == "app_list" else []))

    crumbs = page.text.split('class="breadcrumbs"')[1].split("</div>")[0]
    assert f'<a href="{reverse("admin:index")}">Manage</a>' in crumbs
    assert "Home" not in crumbs
