"""The card of an event in a list: what everybody may know of it is made once and kept."""

import secrets
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from events.models import Category, Event

register = template.Library()

CARDS_KEPT = 2000  # some 3 KB each
# All that a card says of an event but for cover and category: what is not here cannot get into it.
WHAT = ("id", "slug", "title", "location", "status")
WHEN = ("starts_at", "starts_on", "time_zone", "duration")
SAID = WHAT + WHEN
# Stands in a kept card for what is the reader's own; no title can have it.
_MINE = secrets.token_hex(16)


@register.simple_tag
def event_card(event: Event, mine: SafeString, *, is_past: bool) -> SafeString:
    """The card of `event`, with `mine`: what the reader has to do with it (`my_state`)."""
    said = (*(getattr(event, name) for name in SAID), str(event.cover))
    category = (event.category.name, event.category.slug) if event.category else None
    kept = _card(said, category, bool(is_past), get_language() or "")
    return mark_safe(kept.replace(_MINE, mine))


@lru_cache(maxsize=CARDS_KEPT)
def _card(
    said: tuple[Any, ...], category: tuple[str, str] | None, is_past: bool, _language: str
) -> str:
    event = Event(**dict(zip((*SAID, "cover"), said, strict=True)))
    if category is not None:
        event.category = Category(name=category[0], slug=category[1])
    return render_to_string(
        "events/_card.html", {"event": event, "is_past": is_past, "mine": _MINE}
    )
