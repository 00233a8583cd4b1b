"""How full an event is, on a page: the public projection and nothing else (SPEC 2)."""

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from events.availability import PublicState, public_availability
from events.models import Event

register = template.Library()

BADGE_CLASS = {PublicState.FULL: "badge-full", PublicState.LAST: "badge-few"}


@register.simple_tag(takes_context=True)
def availability_badge(context: Context, event: Event) -> SafeString:
    """`FULL`, `last X spaces`, or nothing, at the page's `now` (else this moment)."""
    told = public_availability(event, context.get("now") or timezone.now())
    if not told.text:
        return SafeString()
    # One plain text node, so that it reads the same to people and to programs.
    return format_html('<span class="badge {}">{}</span>', BADGE_CLASS[told.state], told.text)
