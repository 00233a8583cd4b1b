"""An event's tickets in the admin, for its organisers and staff (SPEC 1, 3)."""

from django.contrib import admin

from events.models import Event
from tickets.admin.events import EventWithTicketsAdmin
from tickets.admin.tickets import TicketAdmin
from tickets.models import Ticket

admin.site.unregister(Event)
admin.site.register(Event, EventWithTicketsAdmin)
admin.site.register(Ticket, TicketAdmin)

__all__ = ["EventWithTicketsAdmin", "TicketAdmin"]
