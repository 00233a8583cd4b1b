"""Writing to everybody with a ticket, in the event's admin: the form, and what was written (SPEC 5)."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from evento.http.pagination import BadCursor, keyset_page
from evento.refusals import Refusal
from events.admin import EventAdmin
from events.admin.pages import of_managed_event
from events.admin.showing import person
from events.models import Event
from tickets.forms import MessageForm
from tickets.models import HolderMessage
from tickets.services import Sending, messages_left, messaging_refusal, send_message


class MessagePages(EventAdmin):
    """The event's admin with its page of messages."""

    def get_urls(self) -> list[URLPattern]:
        view = require_http_methods(["GET", "HEAD", "POST"])(self.messages_view)
        page = path(
            "<uuid:event_id>/messages/",
            self.admin_site.admin_view(view),
            name="events_event_messages",
        )
        return [page, *super().get_urls()]

    @of_managed_event
    def messages_view(self, request: HttpRequest, event: Event) -> HttpResponse:
        """The form and the record; POST sends. What is refused is said in the form, which keeps its words."""
        form = MessageForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                sent = send_message(event, **form.cleaned_data, by=person(request))
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                self._tell_sent(request, event, sent)
                return HttpResponseRedirect(self.page_url("messages", event))
        now = timezone.now()
        context = {
            "form": form,
            "refusal": messaging_refusal(event, now),
            "people": event.places_taken,
            "left": messages_left(event, now),
            **self._record(request, event),
        }
        return self._page(request, event, "messages", gettext("Messages"), context)

    def _tell_sent(self, request: HttpRequest, event: Event, sent: Sending) -> None:
        message = sent.message
        if not sent.created:
            told = gettext("This message was sent already, so nobody is told twice.")
            self.message_user(request, told, messages.INFO)
            return
        note = gettext("Wrote to holders: “%(subject)s”.") % {"subject": message.subject}
        self.log_change(request, event, note)
        told = ngettext(
            "The message goes to %(n)d person, by e-mail and on the site.",
            "The message goes to %(n)d people, by e-mail and on the site.",
            message.holder_count,
        )
        self.message_user(request, told % {"n": message.holder_count}, messages.SUCCESS)

    def _record(self, request: HttpRequest, event: Event) -> dict[str, Any]:
        rows = HolderMessage.objects.filter(event=event).select_related("sender")
        order = {"fields": ("sent_at", "id"), "newest_first": True}
        try:
            page = keyset_page(rows, **order, cursor=request.GET.get("after", ""))
        except BadCursor:
            page = keyset_page(rows, **order)
        return {
            "record": page.rows,
            "next_cursor": page.next_cursor,
            "is_first": page.after is None,
        }
