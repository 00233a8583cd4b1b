"""Making somebody an organiser of one event (SPEC 1)."""

from datetime import datetime

from accounts.models import User
from events.models import Event, EventOrganiser, OrganiserOffer
from events.services import add_organiser, offer_organiser
from tickets.models import Ticket


def promote_organiser(
    event: Event, *, email: str, by: User, now: datetime | None = None
) -> EventOrganiser | OrganiserOffer:
    """A holder of a valid ticket becomes an organiser at once; any other address gets an offer.
    Who is one already stays one, quietly.

    Organisers see their holders' addresses anyway, so this tells them nothing of anybody else.
    Raises ValidationError when it is no e-mail address.
    """
    email = email.strip()
    organisers = EventOrganiser.objects.filter(event=event, user__email__iexact=email)
    if (row := organisers.select_related("user").first()) is not None:
        return row
    ticket = (
        Ticket.objects.valid()
        .filter(event=event, holder__email__iexact=email, holder__is_active=True)
        .select_related("holder")
        .first()
    )
    if ticket is not None:
        return add_organiser(event, user=ticket.holder, by=by, now=now)
    return offer_organiser(event, email=email, by=by, now=now)
