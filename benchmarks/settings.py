"""Evento's settings, with addresses beside Evento's own to measure it by: see benchmarks.yardsticks."""

import os
from pathlib import Path

from evento.settings import *  # noqa: F403
from evento.settings import STORAGES

ROOT_URLCONF = "benchmarks.yardsticks"

# What `footprint` collects would change the pages of every server that starts from this folder meanwhile.
if _collected := os.environ.get("BENCHMARK_STATIC_ROOT"):
    STATIC_ROOT = Path(_collected)
    STORAGES = STORAGES | {"staticfiles": {"BACKEND": "evento.static_files.HashedStaticFiles"}}
    WHITENOISE_USE_FINDERS = False
