"""Writing to holders in the event's admin: the form, and the record of what was sent (SPEC 5)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from events.models import Event
from events.services import add_organiser
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import HolderMessage
from tickets.services import send_message

pytestmark = pytest.mark.django_db

WORDS = {"subject": "Bring a torch", "text": "It gets dark at six."}


def url(event):
    return reverse("admin:events_event_messages", args=[event.pk])


@pytest.fixture
def signed_in(client, organiser):
    client.force_login(organiser)
    return client


def test_page_says_how_many_people_it_reaches_and_how_often_one_may_write(signed_in, event):
    TicketFactory.create_batch(3, event=event)
    TicketFactory(event=event, status="cancelled")

    page = signed_in.get(url(event)).text

    assert "3 people get it" in page
    assert "You can send 5 more messages" in page
    assert "Nothing has been sent yet." in page


def test_message_is_sent_and_stands_in_the_record(signed_in, event, organiser):
    TicketFactory(event=event)

    page = signed_in.post(url(event), WORDS, follow=True)

    message = HolderMessage.objects.get()
    assert (message.sender, message.subject, message.text) == (organiser, *WORDS.values())
    assert "The message goes to 1 person" in page.text
    assert "It gets dark at six." in page.text
    assert "You can send 4 more messages" in page.text


def test_second_click_sends_nothing_and_says_so(signed_in, event):
    TicketFactory(event=event)

    signed_in.post(url(event), WORDS)
    page = signed_in.post(url(event), WORDS, follow=True)

    assert "This message was sent already" in page.text
    assert HolderMessage.objects.count() == 1


def test_refused_message_stays_in_the_form(signed_in, event, organiser):
    TicketFactory(event=event)
    for n in range(5):
        send_message(event, subject="Torch", text=f"{n}", by=organiser)

    page = signed_in.post(url(event), WORDS)

    assert page.status_code == 200
    assert "You can write to an event’s holders 5 times a day." in page.text
    assert page.text.count("It gets dark at six.") == 1
    assert HolderMessage.objects.count() == 5


@pytest.mark.parametrize("missing", ["subject", "text"])
def test_words_that_are_missing_are_an_error_in_the_form(signed_in, event, missing):
    TicketFactory(event=event)

    page = signed_in.post(url(event), WORDS | {missing: " \r\n "})

    assert list(page.context["form"].errors) == [missing]
    assert not HolderMessage.objects.exists()


def test_length_is_counted_as_browsers_count_it(signed_in, event):
    TicketFactory(event=event)

    signed_in.post(url(event), WORDS | {"text": "x\r\n" * 999 + "xx"})

    assert len(HolderMessage.objects.get().text) == 2000


@pytest.mark.parametrize("state", ["draft", "empty", "long over"])
def test_page_says_why_nobody_can_be_written_to(signed_in, organiser, now, state):
    days = -20 if state == "long over" else 2
    status = Event.Status.DRAFT if state == "draft" else Event.Status.PUBLISHED
    event = EventFactory(organiser=organiser, status=status, starts_at=now + timedelta(days=days))

    page = signed_in.get(url(event))

    assert str(page.context["refusal"]) in page.text
    assert "<textarea" not in page.text


def test_co_organiser_sees_the_record_with_who_wrote(client, event, organiser, attendee):
    TicketFactory(event=event)
    send_message(event, **WORDS, by=organiser)
    add_organiser(event, user=attendee, by=organiser)
    client.force_login(attendee)

    page = client.get(url(event)).text

    assert f"by {organiser.name}" in page
    assert "to 1 person" in page


def test_record_names_no_closed_account(signed_in, event, attendee):
    TicketFactory(event=event)
    send_message(event, **WORDS, by=attendee)
    type(attendee).objects.filter(pk=attendee.pk).update(is_active=False)

    assert f"by {attendee.name}" not in signed_in.get(url(event)).text


def test_record_holds_this_events_messages_only(signed_in, event, organiser, other_organiser):
    foreign = EventFactory(organiser=other_organiser)
    TicketFactory(event=foreign)
    send_message(foreign, **WORDS, by=other_organiser)

    assert "Bring a torch" not in signed_in.get(url(event)).text


def test_record_goes_on_from_page_to_page(signed_in, event, organiser, now):
    for n in range(21):
        HolderMessage.objects.create(
            event=event,
            sender=organiser,
            subject=f"Message {n}",
            text="Words",
            holder_count=1,
            sent_at=now - timedelta(days=n),
        )

    first = signed_in.get(url(event))
    second = signed_in.get(url(event), {"after": first.context["next_cursor"]})
    nonsense = signed_in.get(url(event), {"after": "nonsense"})

    assert [row.subject for row in first.context["record"]] == [f"Message {n}" for n in range(20)]
    assert [row.subject for row in second.context["record"]] == ["Message 20"]
    assert nonsense.context["record"] == first.context["record"]


def test_words_of_people_are_escaped(signed_in, event):
    TicketFactory(event=event)
    words = {"subject": "<b>Bold</b>", "text": "<script>alert(1)</script>"}

    page = signed_in.post(url(event), words, follow=True).text

    assert "<b>Bold" not in page
    assert "<script>alert" not in page


def test_page_is_a_step_from_the_event_but_not_from_a_draft(signed_in, event, organiser):
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)

    def tools(of):
        page = signed_in.get(reverse("admin:events_event_change", args=[of.pk]))
        return [tool.url for tool in page.context["tools"]]

    assert url(event) in tools(event)
    assert url(draft) not in tools(draft)


def test_organiser_of_another_event_writes_to_nobody(client, event, other_organiser):
    TicketFactory(event=event)
    client.force_login(other_organiser)

    assert client.post(url(event), WORDS).status_code == 404
    assert not HolderMessage.objects.exists()


def test_what_is_sent_stands_in_the_events_history(signed_in, event):
    TicketFactory(event=event, holder=UserFactory())

    signed_in.post(url(event), WORDS)

    history = signed_in.get(reverse("admin:events_event_history", args=[event.pk]))
    assert "Wrote to holders: “Bring a torch”." in history.text
