import factory
from django.db.models import F
from django.utils import timezone

from events.models import Event
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tickets.models import Ticket, random_code


class TicketFactory(factory.django.DjangoModelFactory):
    """A ticket with its place counted, as booking would have left it, without telling anybody."""

    class Meta:
        model = Ticket

    event = factory.SubFactory(EventFactory)
    holder = factory.SubFactory(UserFactory)
    code = factory.LazyFunction(random_code)
    booked_at = factory.LazyFunction(timezone.now)

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        ticket = super()._create(model_class, *args, **kwargs)
        if ticket.status == Ticket.Status.VALID:
            taken = Event.objects.filter(pk=ticket.event_id)
            taken.update(places_taken=F("places_taken") + 1)
            ticket.event.refresh_from_db(fields=["places_taken"])
        return ticket
