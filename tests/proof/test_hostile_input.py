"""What people with bad intentions write, into every input: nothing answers 500, nothing is taken for code."""

from html.parser import HTMLParser

import pytest
from django.test import Client

from events.models import Event
from tests.api.conftest import Program
from tests.api.test_events import MINIMAL
from tests.events.factories import EventFactory
from tests.events.test_forms import entered
from tests.proof import figures
from tests.proof.chance import undone
from tests.tickets.factories import TicketFactory

pytestmark = [pytest.mark.django_db]
if not figures.FULL:
    pytestmark.append(pytest.mark.postgresql)  # the stricter of the two; in full it runs on both

CORPUS = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\" autofocus onfocus=alert(1) x='",
    "link": "javascript:alert(1)",
    "template": "{{ 1234|add:4321 }}{% debug %}${1234*4321}#{1234*4321}",
    "format": "%s%n%(x)s{0.__class__}{title}",
    "sql": "'; DROP TABLE events_event; --",
    "formula": '=HYPERLINK("https://evil.example","x")',
    "null": "a\x00b",
    "newlines": "a\r\nBcc: everybody@example.org\r\n\r\nb",
    "right to left": "\u202egnp.exe\u2066",
    "homoglyphs": "\u0410d\u0430 \u200b\ufeff",
    "combining": "a" + "\u0301" * 300,
    "half a character": "\ud800",
    "beyond": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U000e0041",
    "long": "x" * 1_000_000,
}
CALCULATED = "5332114"  # what a template would make of the corpus
EVENT_FIELDS = ("title", "description", "location", "organiser_name", "contact", "link", "category")


class Executed(HTMLParser):
    """What a browser would run of the corpus."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.script = False

    def handle_starttag(self, tag, attrs):
        self.script = tag == "script" and dict(attrs).get("type") != "application/ld+json"
        for name, value in attrs:
            is_link = name in {"href", "src", "action"}
            if name in {"onfocus", "onerror"} or (
                is_link and (value or "").strip().lower().startswith("javascript:")
            ):
                self.found.append((tag, name, value))

    def handle_data(self, data):
        if self.script and "alert(1)" in data:
            self.found.append(("script", data))


def is_taken_for_code(page):
    browser = Executed()
    browser.feed(page)
    return bool(browser.found) or CALCULATED in page


def test_browser_of_these_tests_knows_code_when_it_sees_it():
    assert is_taken_for_code(f"<p>{CORPUS['markup']}</p>")
    assert is_taken_for_code(f"<p title=\"{CORPUS['attribute']}\"></p><p title=''></p>")
    assert is_taken_for_code(f'<a href="{CORPUS["link"]}">')
    assert not is_taken_for_code(f"<p>{CORPUS['attribute']}</p>")


def api_inputs(event, ticket, text):
    """(who, method, path, body) for each input of the API."""
    yield "organiser", "POST", "/events", MINIMAL | dict.fromkeys(EVENT_FIELDS, text)
    for field in (*EVENT_FIELDS, "time_zone", "starts_at", "capacity"):
        yield "organiser", "PATCH", f"/events/{event.slug}", {field: text}
    yield "organiser", "POST", f"/events/{event.slug}/messages", {"subject": text, "text": text}
    yield "organiser", "POST", f"/events/{event.slug}/organisers", {"email": text}
    yield "organiser", "POST", f"/events/{event.slug}/cancel", {"reason": text}
    yield "holder", "PATCH", f"/tickets/{ticket.pk}", {"note": text}
    yield "holder", "PATCH", "/me", {"display_name": text, "username": text}
    yield "holder", "POST", "/me/organiser-code", {"organiser_code": text}


def form_inputs(event, ticket, text):
    """(who, path, data) for each form of the site."""
    every = dict.fromkeys(entered(), text)
    yield "organiser", "/admin/events/event/add/", every
    yield "organiser", "/admin/events/event/add/", entered(title=text, location=text, contact=text)
    yield "organiser", f"/admin/events/event/{event.pk}/messages/", {"subject": text, "text": text}
    yield "organiser", f"/admin/events/event/{event.pk}/cancel/", {"reason": text}
    yield "holder", f"/tickets/{ticket.pk}/note/", {"note": text}
    yield (
        "holder",
        "/accounts/profile/",
        {"display_name": text, "username": text, "time_zone": text},
    )
    yield "visitor", "/accounts/login/", {"login": text, "password": text}
    names = ("username", "email", "password1", "password2", "organiser_code")
    yield "visitor", "/accounts/signup/", dict.fromkeys(names, text)
    yield "visitor", "/accounts/password/reset/", {"email": text}


def pages(event, ticket):
    """(who, path) of where stored text is shown."""
    seen_by_all = ["/", event.get_absolute_url(), f"/events/{event.slug}.ics"]
    yield from (("visitor", path) for path in ["/calendar/", *seen_by_all])
    of_holder = ["/tickets/", ticket.get_absolute_url(), "/accounts/profile/", "/notifications/"]
    yield from (("holder", path) for path in of_holder)
    managing = ["/admin/events/event/", f"/admin/events/event/{event.pk}/change/"]
    yield from (("organiser", path) for path in [event.get_absolute_url(), *managing])


@pytest.fixture
def cast(organiser, attendee):
    event = EventFactory(organiser=organiser)
    ticket = TicketFactory(event=event, holder=attendee)
    return {"visitor": None, "holder": attendee, "organiser": organiser}, event, ticket


def signed_in(kind, person):
    client = kind(raise_request_exception=False)
    if person is not None:
        client.force_login(person)
    return client


@pytest.mark.parametrize("kind", CORPUS)
def test_hostile_text_is_answered_and_never_taken_for_code(cast, kind):
    people, event, ticket = cast
    text = CORPUS[kind]
    programs = {name: signed_in(Program, person) for name, person in people.items()}
    browsers = {name: signed_in(Client, person) for name, person in people.items()}
    broken = []

    def look(said, answer):
        page = b"".join(answer.streaming_content) if answer.streaming else answer.content
        shown = page.decode(errors="replace") if "html" in answer.get("Content-Type", "") else ""
        if answer.status_code >= 500 or is_taken_for_code(shown):
            broken.append((*said, answer.status_code))

    for who, method, path, body in api_inputs(event, ticket, text):
        with undone():
            look((who, method, path), programs[who].call(method, path, body))
    if kind != "half a character":  # no form can send one
        for who, path, data in form_inputs(event, ticket, text):
            with undone():
                look((who, path), browsers[who].post(path, data))
        for field in ("q", "from", "after"):
            look((field,), browsers["visitor"].get("/", {field: text[:50_000]}))
    change = dict.fromkeys(("title", "description", "location", "contact"), text[:100])
    programs["organiser"].call("PATCH", f"/events/{event.slug}", change)
    programs["holder"].call("PATCH", f"/tickets/{ticket.pk}", {"note": text[:100]})
    programs["holder"].call("PATCH", "/me", {"display_name": text[:100]})
    for who, path in pages(Event.objects.get(pk=event.pk), ticket):
        look((who, path), browsers[who].get(path))

    assert broken == []
