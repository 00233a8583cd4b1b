"""Public changes, numbered in the order of their commits."""

import django.utils.timezone
from django.db import migrations, models

# PostgreSQL draws serial numbers before the commit, so a reader that asks for "after 7" could miss a 6
# that commits later; and a rolled back change would leave a gap. SQLite has one writer at a time.
POSTGRESQL = """
CREATE FUNCTION notifications_number_public_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('notifications_publicchange'));
    NEW.id := (SELECT COALESCE(MAX(id), 0) + 1 FROM notifications_publicchange);
    PERFORM pg_notify('evento_public_change', '');
    RETURN NEW;
END $$;
CREATE TRIGGER notifications_number_public_change BEFORE INSERT ON notifications_publicchange
FOR EACH ROW EXECUTE FUNCTION notifications_number_public_change();
"""
POSTGRESQL_REVERSE = """
DROP TRIGGER notifications_number_public_change ON notifications_publicchange;
DROP FUNCTION notifications_number_public_change();
"""


def create_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL)


def drop_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_REVERSE)


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="PublicChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("about", models.UUIDField()),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "public change",
                "verbose_name_plural": "public changes",
                "ordering": ["id"],
            },
        ),
        migrations.RunPython(create_trigger, drop_trigger),
    ]
