"""Twin worlds: the same people, events, public history and clock; what differs is hidden popularity alone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.core.management.color import no_style
from django.db import connection
from hypothesis import strategies as st

from accounts.models import User
from events.models import Category, Event, EventOrganiser
from events.services import archive_event, cancel_event, offer_organiser
from events.templatetags import cards
from notifications.expanding import expand_next
from notifications.models import Notification, OutgoingEmail
from tests.accounts.factories import PASSWORD
from tests.events.factories import EventFactory
from tests.proof.chance import fixed, replayed
from tickets.models import Ticket
from tickets.services import book_ticket, cancel_ticket
from tickets.templatetags import booking

NOW = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
# These draw a token when they are loaded, which templates would do in the first world only.
LOADED = (cards, booking)
CREATED = NOW - timedelta(days=20)
HIDDEN_FROM = NOW - timedelta(days=10)  # what nobody may notice happens in the nine days after this
HIDDEN_MINUTES = 9 * 24 * 60
CROSSING = NOW - timedelta(
    hours=20
)  # what everybody may see happens at these moments, in both worlds
CLOSING = NOW - timedelta(hours=10)

READERS = ("visitor", "attendee", "holder", "other")
CROWD = 45

# Start, from NOW, of each event. `tied` begins with `open`, so that their order is decided by something else.
STARTS = {
    "open": timedelta(days=14),
    "tied": timedelta(days=14),
    "scarce": timedelta(days=15),
    "full": timedelta(days=16),
    "cancelled": timedelta(days=17),
    "under_way": timedelta(hours=-1),
    "past": timedelta(days=-3),
    "archived": timedelta(days=-5),
    "draft": timedelta(days=18),
}
# Capacities under which the public history is the same: `scarce` says "last 1 space" with its last booking
# but one, `full` says nothing before FULL.
CAPACITIES = {"scarce": (21, 40), "full": (2, 20)} | dict.fromkeys(
    ("open", "tied", "cancelled", "under_way", "past", "archived", "draft"), (8, 30)
)
OPEN = ("open", "tied", "scarce", "full")
AFTER_START = ("under_way", "past", "archived")


@dataclass(frozen=True)
class Order:
    """Somebody's booking, `minute` minutes into the hidden time, perhaps given back."""

    person: int
    minute: int
    given_back: bool


@dataclass(frozen=True)
class Hidden:
    """What may differ: how many, who and when, at each event; and how often strangers signed in."""

    capacities: dict[str, int]
    orders: dict[str, tuple[Order, ...]]
    sign_ins: int


def room(kind, capacity):
    """How many strangers may hold a ticket while the public learns nothing of it.

    The holder has one place. Where places are to stay untold, somebody who reads may book too, and what
    the organisers are then told (2 statements more) is not to be noticed either.
    """
    if kind in ("open", "tied", "cancelled"):
        return capacity - 2 - max(-(-capacity // 20), 2)
    if kind in OPEN:
        return capacity - (3 if kind == "scarce" else 2)  # the crossing comes later
    return 0 if kind == "draft" else capacity - 1


@st.composite
def orders(draw, kind, capacity):
    """Who books in the hidden time. Before a crossing exactly all but the last places are taken."""
    most = room(kind, capacity)
    least = most if kind in ("scarce", "full") else 0
    staying = draw(st.integers(least, most))
    leaving = draw(st.integers(0, 3)) if most else 0
    people = draw(st.permutations(range(CROWD)))
    minute = st.integers(0, HIDDEN_MINUTES)
    # Who leaves does so before anybody stays, so that no more than `most` have a place at any time.
    minutes = sorted(draw(minute) for _n in range(staying + leaving))
    return tuple(
        Order(person, at, given_back=n < leaving)
        for n, (person, at) in enumerate(zip(people, minutes, strict=False))
    )


@st.composite
def hiddens(draw):
    capacities = {kind: draw(st.integers(*CAPACITIES[kind])) for kind in STARTS}
    return Hidden(
        capacities,
        {kind: draw(orders(kind, capacity)) for kind, capacity in capacities.items()},
        draw(st.integers(0, 5)),
    )


def crowded(*kinds):
    """Events of these kinds are as large and as full as can be, all others as small and empty."""
    capacities = {kind: CAPACITIES[kind][kind in kinds] for kind in STARTS}
    wanted = {
        kind: room(kind, capacity) if kind in (*kinds, "scarce", "full") else 0
        for kind, capacity in capacities.items()
    }
    orders = {
        kind: tuple(Order(n, n * 60, given_back=False) for n in range(count))
        for kind, count in wanted.items()
    }
    return Hidden(capacities, orders, sign_ins=len(kinds))


class World:
    """Everything the instrument asks about; the same keys in both worlds."""

    def __init__(self, people, crowd, category):
        self.people = people
        self.crowd = crowd
        self.category = category
        self.events = {}
        self.tickets = {}

    def __getitem__(self, name):
        """As `tests.test_access.address_of` asks for things."""
        return getattr(self, name)


def populate():
    """The people of both worlds."""
    names = ["attendee", "holder", "other", "organiser", *(f"crowd{n}" for n in range(CROWD))]
    password = make_password(PASSWORD)
    users = [
        User(
            pk=fixed("user", name),
            username=name,
            email=f"{name}@example.org",
            display_name=name.title(),
            password=password,
            date_joined=CREATED,
            role="organiser" if name in ("other", "organiser") else "attendee",
        )
        for name in names
    ]
    User.objects.bulk_create(users)
    EmailAddress.objects.bulk_create(
        EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users
    )
    category = Category.objects.create(pk=fixed("category"), name="Talks", slug="talks")
    people = {"visitor": None} | {user.username: user for user in users[:4]}
    return World(people, users[4:], category)


def build(world, hidden, clock):
    """Let it all happen, from the publication of the events to NOW. Call inside a savepoint."""
    _begin_serial_numbers_anew()
    clock.move_to(CREATED)
    world.events = {kind: _event(world, kind, hidden.capacities[kind]) for kind in STARTS}
    world.tickets = {kind: _holders_ticket(world, kind) for kind in STARTS if kind != "draft"}
    _own_things(world)
    _live_through_hidden_time(world, hidden, clock)
    clock.move_to(CROSSING)
    for kind in ("scarce", "full"):
        _book(world, kind, world.crowd[_absent(hidden.orders[kind])])
    _fill_after_start(world, hidden)
    clock.move_to(CLOSING)
    _close(world)
    clock.move_to(NOW)
    _strangers_sign_in(world, hidden.sign_ins)
    let_the_worker_write(world)
    OutgoingEmail.objects.update(state=OutgoingEmail.State.SENT, sent_at=NOW)
    world.notice = Notification.objects.filter(recipient=world.people["holder"]).latest("key")
    world.mail = OutgoingEmail.objects.filter(recipient=world.people["holder"]).latest("key")
    for event in world.events.values():
        event.refresh_from_db()


def let_the_worker_write(world):
    """Expand what is announced, and give what it wrote the keys that both worlds have."""
    while expand_next(NOW):
        pass
    name_after_cause([*world.people.values()])


def name_after_cause(people):
    for model in (Notification, OutgoingEmail):
        for row in model.objects.filter(recipient__in=[one for one in people if one is not None]):
            model.objects.filter(pk=row.pk).update(id=fixed(model.__name__, row.key))


def _begin_serial_numbers_anew():
    """A rollback takes PostgreSQL's sequences not back: with its help both worlds count from the same."""
    statements = connection.ops.sequence_reset_sql(no_style(), apps.get_models())
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _event(world, kind, capacity):
    organiser = world.people["organiser"]
    event = EventFactory(
        pk=fixed("event", kind),
        title=f"{kind.title()} evening",
        slug=f"{kind.replace('_', '-')}-evening-23456789",
        starts_at=NOW + STARTS[kind],
        capacity=capacity,
        category=world.category,
        online_url="https://secret.example/room",
        status=Event.Status.DRAFT if kind == "draft" else Event.Status.PUBLISHED,
    )
    EventOrganiser.objects.create(
        pk=fixed("organiser", kind),
        event=event,
        user=organiser,
        added_by=organiser,
        added_at=CREATED,
    )
    return event


def _holders_ticket(world, kind):
    return _book(world, kind, world.people["holder"])


def _book(world, kind, person):
    with replayed("book", kind, person.username):
        return book_ticket(world.events[kind], holder=person).ticket


def _own_things(world):
    """What address tables ask for beside the events of all kinds."""
    organiser, attendee = world.people["organiser"], world.people["attendee"]
    with replayed("offer"):
        world.offer = offer_organiser(world.events["open"], email=attendee.email, by=organiser)
    world.ticket, world.event = world.tickets["open"], world.events["open"]
    world.draft, world.past = world.events["draft"], world.events["past"]


def _live_through_hidden_time(world, hidden, clock):
    told = sorted(
        (order.minute, kind, n, order)
        for kind in (*OPEN, "cancelled")
        for n, order in enumerate(hidden.orders[kind])
    )
    for minute, kind, _n, order in told:
        clock.move_to(HIDDEN_FROM + timedelta(minutes=minute))
        person = world.crowd[order.person]
        ticket = _book(world, kind, person)
        if order.given_back:
            cancel_ticket(ticket, by=person)


def _absent(some):
    """Somebody who had no part in `some`."""
    return min(set(range(CROWD)) - {order.person for order in some})


def _fill_after_start(world, hidden):
    """Who came to what has begun: any number up to FULL, which was never said while these two look."""
    for kind in AFTER_START:
        event = world.events[kind]
        coming = hidden.orders[kind]
        Ticket.objects.bulk_create(
            Ticket(
                pk=fixed("ticket", kind, order.person),
                event=event,
                holder=world.crowd[order.person],
                code=str(fixed(kind, order.person).int)[:20],
                status="cancelled" if order.given_back else "valid",
                booked_at=HIDDEN_FROM + timedelta(minutes=order.minute),
            )
            for order in coming
        )
        taken = 1 + sum(not order.given_back for order in coming)
        Event.objects.filter(pk=event.pk).update(places_taken=taken)


def _close(world):
    with replayed("close"):
        cancel_event(
            world.events["cancelled"], by=world.people["organiser"], reason="The hall is closed."
        )
        archive_event(world.events["archived"])


def _strangers_sign_in(world, count):
    for n in range(count):
        UserSession.objects.create(
            user=world.crowd[n], ip="192.0.2.1", user_agent="Firefox", session_key=f"{n:040}"
        )
