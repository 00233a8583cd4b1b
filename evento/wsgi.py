"""The WSGI entry point: Django serves every page from here."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evento.settings")

application = get_wsgi_application()
