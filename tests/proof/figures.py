"""What a run tried, for the report (`python -m tests.proof.report`)."""

import json
import os

from django.db import connection

from tests.run_all import RESULTS

FULL = os.environ.get("EVENTO_FULL") == "1"
FOLDER = RESULTS / "proof"


def record(instrument, numbers):
    """Keep what `instrument` tried in a full run; the ordinary one is no report."""
    if not FULL:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"{instrument}-{connection.vendor}.json"
    (FOLDER / name).write_text(json.dumps(numbers), encoding="utf-8")
