"""Indexes by which PostgreSQL finds people whose name begins with something, in any case."""

from django.db import migrations

NAMES = ("display_name", "username")
# As `istartswith` asks; the pattern's own order, because that of a language does not know beginnings.
INDEX = "CREATE INDEX accounts_user_{0}_begins ON accounts_user (upper({0}) varchar_pattern_ops)"

STATISTICS = "ALTER INDEX accounts_user_{0}_begins ALTER COLUMN 1 SET STATISTICS 1000"


def add(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in NAMES:
            schema_editor.execute(INDEX.format(name))
            # Or else the planner takes one name in a hundred for each, and reads every holder instead.
            schema_editor.execute(STATISTICS.format(name))
        schema_editor.execute("ANALYZE accounts_user")


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in NAMES:
            schema_editor.execute(f"DROP INDEX accounts_user_{name}_begins")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_newest_people"),
    ]

    operations = [
        migrations.RunPython(add, remove),
    ]
