"""What account pages ask of the settings."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def mail_files() -> str:
    """Where mails lie as files, when this site keeps them so instead of sending them; else empty."""
    return "var/mail/" if settings.TRANSPORT_BACKEND.endswith(".EmlFileBackend") else ""
