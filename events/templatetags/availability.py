"""How full an event is, on a page: the public projection and nothing else (SPEC 2)."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from events.availability import PublicAvailability, PublicState

register = template.Library()

BADGE_CLASS = {PublicState.FULL: "badge-full", PublicState.LAST: "badge-few"}


@register.simple_tag
def availability_badge(told: PublicAvailability) -> SafeString:
    """`FULL`, `last X spaces`, or nothing."""
    if not told.text:
        return SafeString()
    # One plain text node, so that it reads the same to people and to programs.
    return format_html('<span class="badge {}">{}</span>', BADGE_CLASS[told.state], told.text)
