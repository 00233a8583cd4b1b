"""What a web server does before it serves: it refuses wrong settings, in sentences.

Commands run Django's checks before they do anything; a server runs none by itself.
"""

import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler

from evento.memory import give_memory_back

# uvicorn's own word for "another start would fail the same": its supervisor then gives up.
STARTUP_FAILURE = 3


def _pages() -> WSGIHandler:
    """Django's application. Ends the process, with sentences on standard error, when settings are wrong."""
    try:
        # Importing them reads the settings, which may raise.
        from evento.checks import errors_at_start  # noqa: PLC0415
        from evento.wsgi import application  # noqa: PLC0415

        errors = errors_at_start()
    except ImproperlyConfigured as error:
        errors = [str(error)]
    if errors:
        words = "\n".join(("Evento does not start with these settings:", *errors))
        print(words, file=sys.stderr)  # noqa: T201 - logging may not be set up yet
        sys.exit(STARTUP_FAILURE)
    return application


give_memory_back()
django_pages = _pages()
