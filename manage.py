#!/usr/bin/env python
"""Django's command line for Evento."""

import os
import sys

from django.core.management import execute_from_command_line

from evento.running import join_running


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evento.settings")
    join_running()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
