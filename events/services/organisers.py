"""Who manages an event: offer, accept, remove, leave (SPEC 1)."""

from datetime import datetime

from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from evento.database import retry_conflicts
from evento.refusals import Refusal
from events.models import Event, EventOrganiser, OrganiserOffer
from events.services.places import lock_event, lock_events
from events.signals import organiser_added, organiser_offered


@retry_conflicts
def add_organiser(
    event: Event, *, user: User, by: User | None, now: datetime | None = None
) -> EventOrganiser:
    """Make `user` an organiser of `event` at once; their class stays as it is. Twice is quiet.

    Only for people who have consented to be seen by the event's organisers: its ticket holders, and
    those who accept an offer. Sends organiser_added.
    """
    now = now or timezone.now()
    with transaction.atomic():
        lock_event(event.pk)
        OrganiserOffer.objects.filter(event=event, email__iexact=user.email).delete()
        row, created = EventOrganiser.objects.get_or_create(
            event=event, user=user, defaults={"added_by": by, "added_at": now}
        )
        if created:
            organiser_added.send(Event, event=event, user=user, by=by, now=now)
    return row


@retry_conflicts
def offer_organiser(
    event: Event, *, email: str, by: User, now: datetime | None = None
) -> OrganiserOffer:
    """Offer the person at `email` to help organise `event`; they are told by mail. Twice is quiet.

    The same for addresses with and without an account (SPEC 1). Sends organiser_offered. Raises
    ValidationError when it is no e-mail address.
    """
    now = now or timezone.now()
    email = email.strip().lower()
    validate_email(email)
    with transaction.atomic():
        lock_event(event.pk)
        offer, created = OrganiserOffer.objects.get_or_create(
            event=event, email=email, defaults={"offered_by": by, "offered_at": now}
        )
        if created:
            organiser_offered.send(Event, offer=offer, now=now)
    return offer


@retry_conflicts
def accept_offer(
    offer: OrganiserOffer, *, user: User, now: datetime | None = None
) -> EventOrganiser:
    """Take up an offer made to an address that `user` has verified.

    Raises Refusal `offer_not_yours` (404: whose it is, or was, stays unsaid).
    """
    theirs = OrganiserOffer.objects.made_to(user)
    with transaction.atomic():
        lock_event(offer.event_id)
        # Taken up by deleting it: one that was withdrawn in this moment is not there to delete.
        if not theirs.filter(pk=offer.pk).delete()[0]:
            raise Refusal(
                "offer_not_yours", _("There is no such offer for your e-mail address."), status=404
            )
        return add_organiser(offer.event, user=user, by=offer.offered_by, now=now)


def withdraw_offer(offer: OrganiserOffer) -> None:
    """Take an offer back; its link leads nowhere from now on."""
    OrganiserOffer.objects.filter(pk=offer.pk).delete()


@retry_conflicts
def remove_organiser(event: Event, *, user: User) -> None:
    """Remove an organiser, or let them leave; access ends at once. Twice is quiet.

    The offers they made end with it: one to a second account of theirs would lead back in.
    Raises Refusal `last_organiser`: an event is never without one (SPEC 1).
    """
    with transaction.atomic():
        lock_event(event.pk)
        rows = EventOrganiser.objects.filter(event=event)
        if not rows.filter(user=user).exists():
            return
        # A closed account's row may have stayed; nobody is there to organise.
        if not rows.exclude(user=user).filter(user__is_active=True).exists():
            raise Refusal(
                "last_organiser",
                _("An event needs an organiser. Add somebody else first."),
            )
        rows.filter(user=user).delete()
        OrganiserOffer.objects.filter(event=event, offered_by=user).delete()


def close_organiser(user: User, *, now: datetime) -> None:
    """What a closing account leaves behind as an organiser: nothing that needs them (SPEC 1).

    Raises Refusal `only_organiser`, with the list, while they are the only organiser of an upcoming
    published event. Call inside the transaction that closes the account.
    """
    events = lock_events(Event.objects.filter(organisers=user).values_list("pk", flat=True))
    shared = set(
        EventOrganiser.objects.filter(event__in=events, user__is_active=True)
        .exclude(user=user)
        .values_list("event_id", flat=True)
    )
    alone = [event for event in events if event.is_open(now) and event.pk not in shared]
    if alone:
        raise Refusal(
            "only_organiser",
            _("You are the only organiser of: %(events)s. Add another organiser or cancel first.")
            % {"events": ", ".join(event.title for event in alone)},
        )
    EventOrganiser.objects.filter(user=user, event__in=shared).delete()
    OrganiserOffer.objects.filter(email__iexact=user.email).delete()
