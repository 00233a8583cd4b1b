"""Every door of the admin against every kind of person, with somebody else's data behind it (SPEC 1)."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse
from django.utils import timezone

from events.models import Category, Event, EventOrganiser, OrganiserOffer
from events.services import add_organiser, remove_organiser
from tests.accounts.factories import UserFactory
from tests.events.factories import CategoryFactory, EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

SIGN_IN, FORBIDDEN, GONE, FINE, ELSEWHERE = "sign in", 403, 404, 200, "redirect"
PEOPLE = ("visitor", "attendee", "organiser", "promoted", "stranger", "staff")
# "organiser" and "promoted" organise the event; "stranger" is an organiser of another one.
GET = {
    #                  visitor  attendee   organiser  promoted   stranger   staff
    "index":          (SIGN_IN, FORBIDDEN, FINE,      FINE,      FINE,      FINE),
    "list":           (SIGN_IN, FORBIDDEN, FINE,      FINE,      FINE,      FINE),
    "add":            (SIGN_IN, FORBIDDEN, FINE,      FORBIDDEN, FINE,      FINE),
    "change":         (SIGN_IN, FORBIDDEN, FINE,      FINE,      ELSEWHERE, FINE),
    "history":        (SIGN_IN, FORBIDDEN, FINE,      FINE,      ELSEWHERE, FINE),
    "delete":         (SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    "cancel":         (SIGN_IN, FORBIDDEN, FINE,      FINE,      GONE,      FINE),
    "archive":        (SIGN_IN, FORBIDDEN, FINE,      FINE,      GONE,      FINE),
    "organisers":     (SIGN_IN, FORBIDDEN, FINE,      FINE,      GONE,      FINE),
    "view on site":   (SIGN_IN, FORBIDDEN, ELSEWHERE, ELSEWHERE, GONE,      ELSEWHERE),
    "categories":     (SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FINE),
    "add category":   (SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FINE),
    "tickets":        (SIGN_IN, FORBIDDEN, FINE,      FINE,      FINE,      FINE),
    "ticket":         (SIGN_IN, FORBIDDEN, FINE,      FINE,      ELSEWHERE, FINE),
    "ticket history": (SIGN_IN, FORBIDDEN, FINE,      FINE,      ELSEWHERE, FINE),
    "add ticket":     (SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    "delete ticket":  (SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    "ticket on site": (SIGN_IN, FORBIDDEN, ELSEWHERE, ELSEWHERE, GONE,      ELSEWHERE),
    "offered users":  (SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FINE),
}  # fmt: skip
POST = {
    "add":              (SIGN_IN, FORBIDDEN, FINE,      FORBIDDEN, FINE,      FINE),
    "change":           (SIGN_IN, FORBIDDEN, FINE,      FINE,      ELSEWHERE, FINE),
    "delete":           (SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    "copy":             (SIGN_IN, FORBIDDEN, ELSEWHERE, FORBIDDEN, GONE,      ELSEWHERE),
    "cancel":           (SIGN_IN, FORBIDDEN, ELSEWHERE, ELSEWHERE, GONE,      ELSEWHERE),
    "archive":          (SIGN_IN, FORBIDDEN, ELSEWHERE, ELSEWHERE, GONE,      ELSEWHERE),
    "organisers":       (SIGN_IN, FORBIDDEN, FINE,      FINE,      GONE,      FINE),
    "remove organiser": (SIGN_IN, FORBIDDEN, ELSEWHERE, ELSEWHERE, GONE,      ELSEWHERE),
    "withdraw offer":   (SIGN_IN, FORBIDDEN, ELSEWHERE, ELSEWHERE, GONE,      ELSEWHERE),
    "ticket":           (SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    "delete ticket":    (SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
}  # fmt: skip
TABLE = [
    (method, door, person, expected)
    for method, rows in (("get", GET), ("post", POST))
    for door, row in rows.items()
    for person, expected in zip(PEOPLE, row, strict=True)
]


@pytest.fixture
def cast(event, attendee, organiser, other_organiser, staff):
    promoted = UserFactory()
    add_organiser(event, user=promoted, by=organiser)
    EventFactory(organiser=other_organiser)
    return {
        "visitor": None,
        "attendee": attendee,
        "organiser": organiser,
        "promoted": promoted,
        "stranger": other_organiser,
        "staff": staff,
    }


@pytest.fixture
def doors(event, organiser, cast):
    ticket = TicketFactory(event=event)
    offer = OrganiserOffer.objects.create(
        event=event, email="x@example.org", offered_by=organiser, offered_at=timezone.now()
    )
    kinds = ContentType.objects.get_for_models(Event, Ticket)
    of_event = {"event_id": event.pk}
    return {
        "index": reverse("admin:index"),
        "list": reverse("admin:events_event_changelist"),
        "add": reverse("admin:events_event_add"),
        "change": reverse("admin:events_event_change", args=[event.pk]),
        "history": reverse("admin:events_event_history", args=[event.pk]),
        "delete": reverse("admin:events_event_delete", args=[event.pk]),
        "copy": reverse("admin:events_event_copy", kwargs=of_event),
        "cancel": reverse("admin:events_event_cancel", kwargs=of_event),
        "archive": reverse("admin:events_event_archive", kwargs=of_event),
        "organisers": reverse("admin:events_event_organisers", kwargs=of_event),
        "remove organiser": reverse(
            "admin:events_event_remove_organiser",
            kwargs=of_event | {"user_id": cast["promoted"].pk},
        ),
        "withdraw offer": reverse(
            "admin:events_event_withdraw_offer", kwargs=of_event | {"offer_id": offer.pk}
        ),
        "view on site": reverse("admin:view_on_site", args=[kinds[Event].pk, event.pk]),
        "categories": reverse("admin:events_category_changelist"),
        "add category": reverse("admin:events_category_add"),
        "tickets": reverse("admin:tickets_ticket_changelist"),
        "ticket": reverse("admin:tickets_ticket_change", args=[ticket.pk]),
        "ticket history": reverse("admin:tickets_ticket_history", args=[ticket.pk]),
        "add ticket": reverse("admin:tickets_ticket_add"),
        "delete ticket": reverse("admin:tickets_ticket_delete", args=[ticket.pk]),
        "ticket on site": reverse("admin:view_on_site", args=[kinds[Ticket].pk, ticket.pk]),
        "offered users": reverse("admin:autocomplete")
        + "?app_label=tickets&model_name=ticket&field_name=holder&term=person",
    }


@pytest.mark.parametrize(("method", "door", "person", "expected"), TABLE)
def test_answer_of_each_door_to_each_person(client, cast, doors, method, door, person, expected):
    if cast[person]:
        client.force_login(cast[person])

    response = getattr(client, method)(doors[door])
    hops = 0
    while response.status_code == 302 and response.url.startswith("/admin/login/") and hops < 2:
        response, hops = client.get(response.url), hops + 1

    answer = response.status_code
    if answer == 302:
        answer = SIGN_IN if response.url.startswith("/accounts/login/") else ELSEWHERE
    assert answer == expected


@pytest.mark.parametrize("door", ["change", "history", "delete"])
def test_door_of_a_foreign_event_does_not_name_it(client, event, cast, doors, door):
    event.title = "Secret gathering"
    event.save(update_fields=["title"])
    client.force_login(cast["stranger"])

    response = client.get(doors[door], follow=True)

    assert "Secret gathering" not in response.text
    assert event.slug not in response.text


@pytest.mark.parametrize("door", ["copy", "remove organiser", "withdraw offer"])
def test_door_that_only_acts_is_not_opened_by_a_link(client, cast, doors, door):
    client.force_login(cast["organiser"])

    assert client.get(doors[door]).status_code == 405


def test_removed_organiser_loses_access_at_once(client, event, cast, doors):
    client.force_login(cast["promoted"])
    assert client.get(doors["change"]).status_code == 200

    remove_organiser(event, user=cast["promoted"])

    assert client.get(doors["change"], follow=True).status_code == 403


def test_inactive_organiser_is_kept_out(client, organiser, doors):
    client.force_login(organiser)
    organiser.is_active = False
    organiser.save(update_fields=["is_active"])

    assert client.get(doors["list"]).status_code == 302


def test_sign_in_comes_back_to_the_page_that_was_wanted(client, doors):
    response = client.get(doors["change"], follow=True)

    assert response.redirect_chain[-1][0].startswith("/accounts/login/?next=/admin/events/event/")


def test_sign_out_and_password_lead_to_the_sites_own_pages(client, organiser):
    client.force_login(organiser)

    assert client.get("/admin/logout/").url == reverse("account_logout")
    assert client.get("/admin/password_change/").url == reverse("account_change_password")
    assert client.get("/admin/login/").url == reverse("admin:index")


def test_index_shows_an_organiser_events_and_tickets_only(client, organiser):
    client.force_login(organiser)

    apps = client.get("/admin/").context["app_list"]

    assert [[model["object_name"] for model in app["models"]] for app in apps] == [
        ["Event"],
        ["Ticket"],
    ]


@pytest.fixture
def lists(organiser, other_organiser):
    """One event of each organiser, told apart by every word."""
    own = EventFactory(
        organiser=organiser, title="Own", location="Here", category=CategoryFactory(name="Mine")
    )
    foreign = EventFactory(
        organiser=other_organiser,
        title="Foreign",
        location="There",
        category=CategoryFactory(name="Theirs"),
    )
    return own, foreign


def titles(response):
    return [event.title for event in response.context["cl"].result_list]


def test_list_holds_a_persons_own_events_and_all_for_staff(client, lists, organiser, staff):
    client.force_login(organiser)
    own = titles(client.get("/admin/events/event/"))
    client.force_login(staff)
    everything = titles(client.get("/admin/events/event/"))

    assert own == ["Own"]
    assert sorted(everything) == ["Foreign", "Own"]


@pytest.mark.parametrize("query", ["?q=Foreign", "?q=There", "?category=theirs", "?category=%00"])
def test_search_and_filters_find_no_foreign_event(client, lists, organiser, query):
    Category.objects.filter(name="Theirs").update(slug="theirs")
    client.force_login(organiser)

    assert titles(client.get(f"/admin/events/event/{query}")) == []


def test_filters_offer_the_categories_of_own_events_only(client, lists, organiser):
    client.force_login(organiser)

    html = client.get("/admin/events/event/").text

    assert "Mine" in html
    assert "Theirs" not in html


@pytest.mark.parametrize(
    "lookup",
    [
        "organisers__email__startswith=p",
        "organisers__password__startswith=m",
        "organiser_rows__user__email__contains=p",
        "organiser_offers__email__startswith=x",
        "tickets__code__startswith=1",
        "tickets__holder__email__startswith=p",
        "category__name__startswith=M",
        "capacity__gte=1",
    ],
)
def test_look_ups_through_the_address_are_refused(client, lists, organiser, lookup):
    client.force_login(organiser)

    assert client.get(f"/admin/events/event/?{lookup}").status_code == 400
    assert client.get(f"/admin/tickets/ticket/?{lookup}").status_code == 400


@pytest.mark.parametrize("lookup", ["code__startswith=1", "holder__email__startswith=p", "note=x"])
def test_look_ups_of_tickets_are_refused(client, organiser, lookup):
    client.force_login(organiser)

    assert client.get(f"/admin/tickets/ticket/?{lookup}").status_code == 400


def test_events_are_not_found_by_another_key(client, lists, organiser):
    own, _foreign = lists
    client.force_login(organiser)

    response = client.get(f"/admin/events/event/{own.slug}/change/?_to_field=slug")

    assert response.status_code == 400


def test_choices_of_events_are_own_ones(client, lists, organiser):
    client.force_login(organiser)

    answer = client.get(
        "/admin/autocomplete/",
        {"app_label": "tickets", "model_name": "ticket", "field_name": "event", "term": ""},
    )

    assert [choice["text"] for choice in answer.json()["results"]] == ["Own"]


def test_lists_offer_no_bulk_action(client, lists, organiser):
    own, _foreign = lists
    client.force_login(organiser)

    client.post(
        "/admin/events/event/",
        {"action": "delete_selected", "_selected_action": str(own.pk), "post": "yes"},
    )

    assert Event.objects.count() == 2
    assert client.get("/admin/events/event/").context["cl"].model_admin.actions is None


def test_archived_events_are_listed_only_when_asked_for(client, organiser):
    EventFactory(organiser=organiser, title="Archived", archived_at=timezone.now())
    EventFactory(organiser=organiser, title="Current")
    client.force_login(organiser)

    assert titles(client.get("/admin/events/event/")) == ["Current"]
    assert titles(client.get("/admin/events/event/?status=archived")) == ["Archived"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("when=upcoming", ["Soon", "Later"]),
        ("when=past", ["Over"]),
        ("when=now", ["Running"]),
        ("status=draft", ["Later"]),
        ("status=published", ["Running", "Soon", "Over"]),
        ("q=soon", ["Soon"]),
        ("", ["Running", "Soon", "Later", "Over"]),
    ],
)
def test_list_is_narrowed_and_ordered(client, organiser, now, query, found):
    for title, hours, status in (
        ("Soon", 5, "published"),
        ("Later", 50, "draft"),
        ("Running", -1, "published"),
        ("Over", -50, "published"),
    ):
        start = now + timezone.timedelta(hours=hours)
        EventFactory(organiser=organiser, title=title, starts_at=start, status=status)
    client.force_login(organiser)

    assert titles(client.get(f"/admin/events/event/?{query}")) == found


@pytest.mark.parametrize("url", ["/admin/events/event/", "/admin/tickets/ticket/"])
def test_list_asks_the_same_number_of_questions_for_1_and_30_rows(
    client, organiser, url, django_assert_num_queries, django_assert_max_num_queries
):
    first = EventFactory(organiser=organiser, category=CategoryFactory(), capacity=50)
    TicketFactory(event=first)
    client.force_login(organiser)
    client.get(url)
    with django_assert_max_num_queries(25) as one:
        client.get(url)
    for _n in range(29):
        event = EventFactory(organiser=organiser, category=first.category)
        TicketFactory(event=event, note="A note")

    with django_assert_num_queries(len(one)):
        response = client.get(url)

    assert len(response.context["cl"].result_list) == 30
    assert EventOrganiser.objects.filter(user=organiser).count() == 30
