"""The cover of an event: its own picture, or one drawn from its id (LOOK "Covers")."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from events.cover_art import cover_svg
from events.models import Event

register = template.Library()


def _category(event: Event) -> str:
    return event.category.slug if event.category else ""


@register.simple_tag
def card_cover(event: Event) -> SafeString:
    """The cover on a card of a list; loaded when it comes into sight."""
    if event.cover:
        return format_html(
            '<img class="event-cover" src="{}" width="168" height="146" alt="" loading="lazy">',
            event.cover.small_url,  # type: ignore[attr-defined]
        )
    return mark_safe(cover_svg(event.pk, _category(event), "event-cover"))


@register.simple_tag
def page_cover(event: Event) -> SafeString:
    """The cover on the event's own page."""
    if event.cover:
        return format_html(
            '<img class="event-page-cover" src="{}" width="680" height="680" alt="">',
            event.cover.url,
        )
    return mark_safe(cover_svg(event.pk, _category(event), "event-page-cover"))
