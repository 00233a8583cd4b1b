#!/usr/bin/env python
"""Django's command line for Evento."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from evento.running import join_running


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evento.settings")
    join_running()
    try:
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as error:
        sys.exit(f"These settings cannot be used (docs/operations.md, “Settings”):\n{error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
