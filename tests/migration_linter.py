"""`python -m tests.migration_linter`: refuses migrations under which a running older Evento would fail.

While a new version comes in, the database is migrated and the old version still serves (DESIGN "Running").
Only PostgreSQL has several processes at a time, so its SQL is what is looked at. CI must have it.
"""

import os
import sys

from tests.run_all import IN_CI, ROOT, postgresql_url, say

APPS = ["accounts", "notifications", "events", "tickets"]
# Looked at by people, each with the reason why it may stay.
BEFORE_ANY_RELEASE = "before the first release: nobody's table is locked while its index is made"
ACCEPTED = dict.fromkeys(
    (
        *("0002_latest_bookings", "0003_newest_people", "0004_newest_tickets"),
        "0004_names_begin",
    ),
    BEFORE_ANY_RELEASE,
)


def main():
    url = postgresql_url()
    if url is None:
        say("PostgreSQL does not answer, and the linter reads its SQL.")
        return 1 if IN_CI else 0
    # It only asks; any database does.
    os.environ["DATABASE_URL"] = f"{url.rpartition('/')[0]}/postgres"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evento.settings")
    import django  # noqa: PLC0415 - reads DATABASE_URL

    django.setup()
    from django_migration_linter import MigrationLinter  # noqa: PLC0415 - reads settings

    linter = MigrationLinter(
        path=str(ROOT),
        include_apps=APPS,
        ignore_name=list(ACCEPTED),
        no_cache=True,
        # A lock on a table, or data changed without a way back, is no matter of taste.
        all_warnings_as_errors=True,
        no_output=False,
    )
    linter.lint_all_migrations()
    linter.print_summary()
    return 1 if linter.has_errors else 0


if __name__ == "__main__":
    sys.exit(main())
