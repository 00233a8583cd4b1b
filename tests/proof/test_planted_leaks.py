"""Whether the instrument of `test_secrecy.py` can fail: ten planted leaks, one at a time, each found."""

import json

import pytest
import time_machine
from django.core.handlers.base import BaseHandler
from django.db.models import Max

import events.live
import events.views
import tickets.notices
from events.models import Event
from tests.proof import figures
from tests.proof.addresses import Ask
from tests.proof.asking import differences, see_answers, see_mails, see_stream
from tests.proof.chance import undone
from tests.proof.worlds import NOW, build, crowded, populate
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db]
if not figures.FULL:
    pytestmark.append(pytest.mark.postgresql)  # one run is enough; in full it runs on both


def taken():
    return Event.objects.get(slug__startswith="open-").places_taken


def tampering(patch, spoil):
    """Let `spoil` change every answer of the site."""
    answered = BaseHandler.get_response

    def get_response(self, request):
        response = answered(self, request)
        spoil(request, response)
        return response

    patch.setattr(BaseHandler, "get_response", get_response)


def count_in_a_comment(patch):
    drawn = events.views.render

    def render(request, template, context, **kwargs):
        response = drawn(request, template, context, **kwargs)
        if "event" in context:
            response.content += f"<!-- {context['event'].places_taken} -->".encode()
        return response

    patch.setattr(events.views, "render", render)


def etag_of_the_last_booking(patch):
    def spoil(request, response):
        tickets_of_it = Ticket.objects.filter(event__slug__startswith="open-")
        response["ETag"] = f'"{tickets_of_it.aggregate(last=Max("updated_at"))["last"]}"'

    tampering(patch, spoil)


def serial_number_in_a_page(patch):
    def spoil(request, response):
        if request.path == "/tickets/":
            response.content += f"<p id=ticket-{Ticket.objects.count()}></p>".encode()

    tampering(patch, spoil)


def count_in_a_header(patch):
    tampering(patch, lambda _request, response: response.__setitem__("X-Places", taken()))


def count_in_a_cookie(patch):
    tampering(patch, lambda _request, response: response.set_cookie("places", taken()))


def one_statement_more(patch):
    """The same bytes, a little later."""
    told = events.views.public_facts

    def public_facts(event, now):
        if event.places_taken > 8:
            Event.objects.count()
        return told(event, now)

    patch.setattr(events.views, "public_facts", public_facts)


def order_by_places_taken(patch):
    patch.setattr(events.views, "LIST_ORDER", ("starts_on", "starts_at", "places_taken", "id"))


def field_in_the_api(patch):
    def spoil(request, response):
        if request.path.startswith("/api/v1/events/") and response.status_code == 200:
            said = json.loads(response.content) | {"places_taken": taken()}
            response.content = json.dumps(said).encode()

    tampering(patch, spoil)


def word_in_a_mail(patch):
    said_of = tickets.notices.said_of

    def leaking(event):
        said = dict(zip(events.notices.SAID, said_of(event), strict=True))
        return tuple((said | {"location": "busy" if event.places_taken > 8 else "quiet"}).values())

    patch.setattr(tickets.notices, "said_of", leaking)


def word_in_a_frame(patch):
    drawn = events.live._rendered

    def rendered(template, signed_in, context):
        mark = context["event"].places_taken if "event" in context else ""
        return f"{drawn(template, signed_in, context)}{mark}"

    patch.setattr(events.live, "_rendered", rendered)


LEAKS = [
    count_in_a_comment,
    etag_of_the_last_booking,
    serial_number_in_a_page,
    count_in_a_header,
    count_in_a_cookie,
    one_statement_more,
    order_by_places_taken,
    field_in_the_api,
    word_in_a_mail,
    word_in_a_frame,
]


def sights(world):
    """What is seen of `world` without a leak, and with each."""
    event = world.events["open"]
    paths = ["/", event.get_absolute_url(), f"/events/{event.slug}.ics", "/tickets/"]
    asks = [Ask("GET", path) for path in (*paths, f"/api/v1/events/{event.slug}")]
    seen = {}
    for leak in (None, *LEAKS):
        with pytest.MonkeyPatch.context() as patch:
            if leak is not None:
                leak(patch)
            seen[leak] = see_answers(world, asks, ["holder"])
            seen[leak] |= see_mails(world) if leak is word_in_a_mail else {}
            seen[leak] |= see_stream(world) if leak in (None, word_in_a_frame) else {}
    return seen


def test_each_planted_leak_is_caught_and_nothing_where_there_is_none():
    seen = []
    with time_machine.travel(NOW, tick=False) as clock:
        world = populate()
        for kinds in (("open", "past"), ("tied",)):
            with undone():
                build(world, crowded(*kinds), clock)
                seen.append(sights(world))

    caught = {leak for leak in seen[0] if differences(seen[0][leak], seen[1][leak])}
    assert {leak.__name__ for leak in set(LEAKS) - caught} == set()
    assert None not in caught
