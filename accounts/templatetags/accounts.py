"""What account pages ask of the settings."""

from django import template
from django.conf import settings

from accounts.devices import device_name

register = template.Library()
register.filter("device_name", device_name)


@register.simple_tag
def mail_files() -> str:
    """Where mails lie as files, when this site keeps them so instead of sending them; else empty."""
    return "var/mail/" if settings.TRANSPORT_BACKEND.endswith(".EmlFileBackend") else ""
