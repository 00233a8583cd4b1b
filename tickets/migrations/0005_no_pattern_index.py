"""Nobody looks for a part of a ticket's code, so PostgreSQL needs no index for patterns of it.

Django makes one beside every unique index on text. Each booking wrote to it.
"""

from django.db import migrations

INDEX = "tickets_ticket_code_87b684f4_like"


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {INDEX}")


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"CREATE INDEX {INDEX} ON tickets_ticket (code varchar_pattern_ops)")


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0004_newest_tickets"),
    ]

    operations = [
        migrations.RunPython(drop, make),
    ]
