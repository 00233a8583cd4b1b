"""Icons on pages; every template has the tag without loading it."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """A picture of the sprite, for the eye alone, and the space that parts it from the word after it.

    `size` may be "sm".
    """
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>\n',
        f" icon-{size}" if size else "",
        static("img/icons.svg"),
        name,
    )
