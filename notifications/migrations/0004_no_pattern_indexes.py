"""Nobody looks for a part of a notice's key, so PostgreSQL needs no indexes for patterns of them.

Django makes one beside every unique index on text. Each booking wrote to both.
"""

from django.db import migrations

INDEXES = {
    "notifications_notification": "notifications_notification_key_21d62a12_like",
    "notifications_outgoingemail": "notifications_outgoingemail_key_d28ed7c1_like",
}


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for index in INDEXES.values():
            schema_editor.execute(f"DROP INDEX IF EXISTS {index}")


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, index in INDEXES.items():
            schema_editor.execute(f"CREATE INDEX {index} ON {table} (key varchar_pattern_ops)")


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0003_worker_heartbeat"),
    ]

    operations = [
        migrations.RunPython(drop, make),
    ]
