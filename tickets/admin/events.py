"""What the event's admin gains from its tickets (DESIGN, port 5)."""

from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User
from events.admin.pages import Tool
from events.models import Event, EventOrganiser, OrganiserOffer
from tickets.admin.messages import MessagePages
from tickets.models import Ticket
from tickets.services import promote_organiser

# As many as one can look through; with more, one searches.
CANDIDATES_SHOWN = 20


class EventWithTicketsAdmin(MessagePages):
    """The event's admin, knowing who holds its tickets."""

    def tools(self, request: HttpRequest, event: Event) -> list[Tool]:
        """With the ways to the event's tickets and messages in the second place."""
        view, *others = super().tools(request, event)
        if event.is_draft:
            return [view, *others]
        query = urlencode({"event": event.pk})
        url = f"{reverse('admin:tickets_ticket_changelist')}?{query}"
        messages = Tool(gettext("Messages"), self.page_url("messages", event))
        return [view, Tool(gettext("Tickets"), url), messages, *others]

    def people_to_tell(self, event: Event, by: User) -> int:
        """Holders and co-organisers, each person once."""
        tickets = Ticket.objects.valid().filter(event=event, holder=OuterRef("pk"))
        rows = EventOrganiser.objects.filter(event=event, user=OuterRef("pk")).exclude(user=by)
        return User.objects.filter(Q(Exists(tickets)) | Q(Exists(rows))).count()

    def promote(self, event: Event, email: str, by: User) -> EventOrganiser | OrganiserOffer:
        return promote_organiser(event, email=email, by=by)

    def candidates(self, event: Event, words: str) -> list[User]:
        """Holders of a valid ticket who do not organise the event yet."""
        tickets = Ticket.objects.valid().filter(event=event, holder=OuterRef("pk"))
        people = User.objects.filter(Exists(tickets), is_active=True).exclude(
            pk__in=event.organiser_rows.values("user")
        )
        for word in words.split()[:5]:
            people = people.filter(
                Q(display_name__icontains=word)
                | Q(username__icontains=word)
                | Q(email__icontains=word)
            )
        return list(people.order_by("display_name", "username")[:CANDIDATES_SHOWN])
