"""The ASGI entry point, for servers that speak only ASGI; pages are faster under WSGI."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evento.settings")

application = get_asgi_application()
