"""What organisers are told about their events: audiences, words on the site, and what mails say.

Exact numbers are for organisers alone (SPEC 2): each mail is made only while its reader is one.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from events.availability import Availability
from events.models import Event, EventOrganiser, OrganiserOffer
from events.templatetags.event_times import zone_phrase
from notifications import kinds
from notifications.kinds import Bell, Letter, Recipient
from notifications.mail import absolute
from notifications.models import Announcement, OutgoingEmail

NEAR_CAPACITY = "events.event_near_capacity"
FULL = "events.event_full"
CANCELLED = "events.event_cancelled"
ADDED = "events.organiser_added"
OFFERED = "events.organiser_offered"

# What is not here cannot get into a mail: its words are kept (notifications/frames.py).
SAID = (
    *("slug", "title", "location", "starts_at", "time_zone", "duration"),
    *("online_url", "organiser_name", "contact", "cancellation_reason"),
)
Said = tuple[Any, ...]


def event_context(event: Event) -> dict[str, Any]:
    """What every notice about an event keeps: its id, and its title as it was then."""
    return {"event": str(event.pk), "title": event.title}


def said_of(event: Event) -> Said:
    """All that mails say of an event as it is now, the same to everybody. Nothing about how full it is."""
    return tuple(getattr(event, name) for name in SAID)


def event_facts(said: Said) -> dict[str, Any]:
    """What mails show of an event of which this is said."""
    event = Event(**dict(zip(SAID, said, strict=True)))
    return {
        "event": event,
        "event_url": absolute(event.get_absolute_url()),
        "when": when(event),
        "zone": zone_phrase(event),
    }


def when(event: Event) -> str:
    """Start and end on the clocks of the event's own zone, whatever zone is current."""
    # Without their zone, so that Django does not move them to another.
    start, end = (it.replace(tzinfo=None) for it in (event.local_start, event.local_end))
    until = date_format(end, "H:i")
    if end.date() != start.date():
        until = date_format(end, "l, j F Y, H:i")
    return _("%(day)s, %(start)s to %(end)s") % {
        "day": date_format(start, "l, j F Y"),
        "start": date_format(start, "H:i"),
        "end": until,
    }


def duration_words(duration: timedelta) -> str:
    """A duration as people say it: “1 hour 30 minutes”."""
    minutes = int(duration.total_seconds()) // 60
    parts = [
        (minutes // 1440, ngettext("%(n)d day", "%(n)d days", minutes // 1440)),
        (minutes // 60 % 24, ngettext("%(n)d hour", "%(n)d hours", minutes // 60 % 24)),
        (minutes % 60, ngettext("%(n)d minute", "%(n)d minutes", minutes % 60)),
    ]
    return " ".join(text % {"n": n} for n, text in parts if n) or _("under a minute")


def organisers(kind: str) -> kinds.Source:
    """The audience of an event's organisers, without the one who caused it (`by` in the context)."""

    def source(announcement: Announcement, after: str, limit: int) -> list[Recipient]:
        rows = EventOrganiser.objects.filter(event_id=announcement.about, user__is_active=True)
        if by := announcement.context.get("by"):
            rows = rows.exclude(user_id=by)
        if after:
            rows = rows.filter(pk__gt=UUID(after))
        found = rows.select_related("event", "user").order_by("pk")[:limit]
        return [
            Recipient(
                user_id=row.user_id,
                address=row.user.email,
                cursor=str(row.pk),
                kind=kind,
                url=row.event.get_absolute_url(),
            )
            for row in found
        ]

    return source


def _organised_event(mail: OutgoingEmail) -> Event | None:
    """The event a mail is about, if its reader (still) organises it."""
    return Event.objects.filter(pk=mail.context["event"], organisers=mail.recipient).first()


def _near_capacity_bell(context: dict[str, Any]) -> Bell:
    text = ngettext(
        "“%(title)s” is nearly full: %(left)d of %(capacity)d places is left.",
        "“%(title)s” is nearly full: %(left)d of %(capacity)d places are left.",
        context["left"],
    )
    return Bell(text % context)


def _full_bell(context: dict[str, Any]) -> Bell:
    text = ngettext(
        "“%(title)s” is full: its one place is taken.",
        "“%(title)s” is full: all %(capacity)d places are taken.",
        context["capacity"],
    )
    return Bell(text % context)


def _fill_letter(mail: OutgoingEmail) -> Letter | None:
    event = _organised_event(mail)
    if event is None or not event.is_published:
        return None
    return Letter((said_of(event), mail.context["capacity"], mail.context["left"]), _fill_facts)


def _fill_facts(shared: tuple[Said, int, int]) -> dict[str, Any]:
    said, capacity, left = shared
    return {**event_facts(said), "counts": Availability(capacity, capacity - left)}


def _cancelled_bell(context: dict[str, Any]) -> Bell:
    return Bell(_("“%(title)s” was cancelled.") % context, context.get("reason", ""))


def _cancelled_letter(mail: OutgoingEmail) -> Letter | None:
    event = _organised_event(mail)
    if event is None or not event.is_cancelled:
        return None
    canceller = User.objects.filter(pk=mail.context.get("by"), is_active=True).first()
    own = {"canceller.name": canceller.name} if canceller else {}
    return Letter(said_of(event), event_facts, own)


def _added_bell(context: dict[str, Any]) -> Bell:
    return Bell(_("You are now an organiser of “%(title)s”.") % context)


def _added_letter(mail: OutgoingEmail) -> Letter | None:
    event = _organised_event(mail)
    return None if event is None else Letter(said_of(event), event_facts)


def _offered_letter(mail: OutgoingEmail) -> Letter | None:
    offer = (
        OrganiserOffer.objects.filter(pk=mail.context["offer"])
        .select_related("event", "offered_by")
        .first()
    )
    if offer is None:
        return None
    link = absolute(reverse("events:offer", args=[offer.pk]))
    own = {"offered_by.name": offer.offered_by.name, "offer_url": link}
    return Letter(said_of(offer.event), event_facts, own)


def register() -> None:
    """Make these kinds known; called once, when the app is ready."""
    kinds.register(
        kinds.Kind(
            NEAR_CAPACITY,
            gettext_lazy("The last places of an event I organise are going"),
            letters=kinds.each(_fill_letter),
            bell=_near_capacity_bell,
            icon="info",
            optional=True,
            audience=organisers(NEAR_CAPACITY),
        )
    )
    kinds.register(
        kinds.Kind(
            FULL,
            gettext_lazy("An event I organise is full"),
            letters=kinds.each(_fill_letter),
            bell=_full_bell,
            icon="check-circle",
            optional=True,
            audience=organisers(FULL),
        )
    )
    kinds.register(
        kinds.Kind(
            CANCELLED,
            gettext_lazy("Somebody cancels an event I organise"),
            letters=kinds.each(_cancelled_letter),
            bell=_cancelled_bell,
            icon="warning",
            optional=True,
        )
    )
    kinds.register(
        kinds.Kind(
            ADDED,
            gettext_lazy("I become an organiser of an event"),
            letters=kinds.each(_added_letter),
            bell=_added_bell,
            icon="user",
            optional=True,
        )
    )
    kinds.register(
        kinds.Kind(
            OFFERED,
            gettext_lazy("Somebody offers me to help organise an event"),
            letters=kinds.each(_offered_letter),
        )
    )
