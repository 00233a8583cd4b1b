"""Evento's settings, with addresses beside Evento's own to measure it by: see benchmarks.yardsticks."""

from evento.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.yardsticks"
