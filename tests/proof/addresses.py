"""Every address there is, from the URL resolver: one that nobody has given a line here fails a test."""

import re
from dataclasses import dataclass, field
from itertools import product

from django.urls import get_resolver

from tests.api.test_access import BODIES, operations
from tests.proof.chance import replayed
from tests.test_access import address_of, named_urls

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
# Pages of one event or one ticket, asked for each kind of event there is.
OF_EVENTS = ("events:detail", "events:ics", "tickets:request", "admin:events_event_change")
OF_TICKETS = (
    *("tickets:detail", "tickets:ics", "tickets:cancel", "tickets:note"),
    *("tickets:barcode_svg", "tickets:barcode_png"),
)
QUERIES = [
    *("/?q=evening", "/?available=1", "/?available=1&q=open", "/?category=talks", "/?weekend=1"),
    *("/?where=online", "/?from=2027-03-01&to=2027-04-30", "/past/?available=1", "/past/?q=past"),
    *("/calendar/2027/3/", "/calendar/2027/4/", "/tickets/?page=2", "/notifications/?page=1"),
    # Orders and filters by what is hidden, and input that is wrong.
    *("/?sort=places_taken", "/?order=-places_taken", "/?o=-capacity", "/?places_taken=3"),
    *("/?page=99", "/?page=x", "/?q=%00", "/?from=2027-99-99", "/?category=none", "/?where=moon"),
    *("/calendar/2027/13/", "/events/none/", "/events/none.ics", "/no/such/page/", "/%FF/"),
    *("/sitemap.xml", "/robots.txt", "/events/feed.ics", "/feed/", "/live/?topic=organised:x"),
]
ADMIN_QUERIES = [
    *("/admin/events/event/?places_taken__gt=3", "/admin/events/event/?capacity__gte=30"),
    *("/admin/events/event/?o=1", "/admin/events/event/?o=-3", "/admin/events/event/?q=open"),
    *("/admin/events/event/?tickets__holder__username=crowd1", "/admin/tickets/ticket/?q=crowd"),
    *("/admin/tickets/ticket/?event__places_taken__gt=3", "/admin/tickets/ticket/?o=1.2"),
    "/admin/autocomplete/?app_label=tickets&model_name=ticket&field_name=holder&term=c",
]
API_QUERIES = [
    *("/events?limit=1", "/events?available=true", "/events?period=now", "/events?period=past"),
    *("/events?period=all&available=true&q=evening", "/tickets?ahead=true", "/tickets?limit=1"),
    *("/me/events?period=upcoming", "/me/events?status=published", "/events?order=places_taken"),
    *("/events?limit=0", "/events?cursor=nonsense", "/events?available=maybe", "/none"),
]


@dataclass(frozen=True)
class Ask:
    """One request."""

    method: str
    path: str
    body: object = ""
    headers: dict = field(default_factory=dict, hash=False)

    @property
    def is_api(self):
        return self.path.startswith("/api/")

    def __str__(self):
        return f"{self.method} {self.path} {dict(self.headers) or ''}".strip()


def pages(world):
    """A GET of every named URL outside the API."""
    return [Ask("GET", path) for path in [*_named(world), *QUERIES, *ADMIN_QUERIES]]


def _named(world):
    """The address of every named URL, once; of one that nothing is known of, NoReverseMatch."""
    with replayed("addresses"):  # some are of rows that there are not, by a random key
        paths = [
            address_of(name, view)
            for name in sorted(set(named_urls()))
            for view in _views(world, name)
        ]
    return list(dict.fromkeys(paths))


def _views(world, name):
    """The world as `address_of` reads it: once, or with each event or ticket in its place."""
    plain = {
        name: getattr(world, name)
        for name in ("people", "event", "draft", "category", "ticket", "notice", "mail", "offer")
    }
    plain["people"] = plain["people"] | {"promoted": world.people["other"]}
    if name in OF_EVENTS:
        return [plain | {"event": event} for event in world.events.values()]
    if name in OF_TICKETS:
        return [plain | {"ticket": ticket} for ticket in world.tickets.values()]
    return [plain]


def api_routes(resolver=None, prefix=""):
    """Every route under api/v1/, allauth's too."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            if route.startswith("api/") or not prefix:
                yield from api_routes(pattern, route)
        elif route.startswith("api/"):
            yield route


def api_reads(world):
    """A GET of every route of the API; a parameter without a line here is a KeyError."""
    values = {
        "slug": [event.slug for event in world.events.values()],
        "ticket_id": [ticket.pk for ticket in world.tickets.values()],
        "offer_id": [world.offer.pk],
        "person_id": [world.people["other"].pk],
        "notification_id": [world.notice.pk],
        "kind": ["events.event_full"],
    }
    found = []
    for route in dict.fromkeys(api_routes()):
        names = PARAMETER.findall(route)
        for chosen in product(*(values[name] for name in names)):
            path = route
            for value in chosen:
                path = PARAMETER.sub(str(value), path, count=1)
            found.append(Ask("GET", f"/{path}"))
    return [*found, *(Ask("GET", f"/api/v1{path}") for path in API_QUERIES)]


def api_changes(world):
    """Every changing operation of the API, on an event with untold places; accepted as far as allowed."""
    parts = {
        "slug": world.event.slug,
        "ticket_id": world.ticket.pk,
        "offer_id": world.offer.pk,
        "person_id": world.people["other"].pk,
        "notification_id": world.notice.pk,
        "kind": "events.event_full",
    }
    return [
        Ask(method, path.format(**parts), body)
        for name, (method, path) in sorted(operations().items())
        # Who accepts an offer is an organiser of the event, and sees its counts.
        if method != "GET" and name != "accept_offer"
        for body in (BODIES.get(name, ""), "{")
    ]


def bookings(world):
    """What somebody may do to each event and ticket, as pages and htmx send it, and as programs do."""
    found = []
    for event in world.events.values():
        path = f"/events/{event.slug}/ticket/"
        found += [
            Ask("POST", path),
            Ask("POST", path, {"note": "x" * 501}),
            Ask("POST", path, headers={"HX-Request": "true"}),
            Ask("POST", f"/api/v1/events/{event.slug}/ticket"),
        ]
    for ticket in world.tickets.values():
        found += [
            Ask("POST", f"/tickets/{ticket.pk}/cancel/"),
            Ask("POST", f"/tickets/{ticket.pk}/note/", {"note": "By bike"}),
            Ask("POST", f"/api/v1/tickets/{ticket.pk}/cancel"),
        ]
    return found


def empty_forms(world):
    """A POST of nothing to every page outside the admin: each says what is wrong with it."""
    return [Ask("POST", path) for path in _named(world) if not path.startswith("/admin/")]


def conditional(answers):
    """The same pages again, with the validators that they came with."""
    again = []
    for ask, answer in answers:
        headers = dict(answer.headers)
        if "ETag" in headers:
            again.append(Ask("GET", ask.path, headers={"If-None-Match": headers["ETag"]}))
        if "Last-Modified" in headers:
            again.append(
                Ask("GET", ask.path, headers={"If-Modified-Since": headers["Last-Modified"]})
            )
    return again
