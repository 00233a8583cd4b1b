"""The database's own guard of SPEC 2: a published event's start never changes."""

from django.db import migrations

MARK = "events_event_start_frozen"

SQLITE = f"""
CREATE TRIGGER {MARK} BEFORE UPDATE OF starts_at, time_zone ON events_event
WHEN OLD.status <> 'draft'
     AND (NEW.starts_at IS NOT OLD.starts_at OR NEW.time_zone IS NOT OLD.time_zone)
BEGIN SELECT RAISE(ABORT, '{MARK}'); END
"""

POSTGRESQL = f"""
CREATE FUNCTION {MARK}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the start of a published event cannot change'
        USING ERRCODE = 'check_violation', CONSTRAINT = '{MARK}';
END $$;
CREATE TRIGGER {MARK} BEFORE UPDATE OF starts_at, time_zone ON events_event
FOR EACH ROW
WHEN (OLD.status <> 'draft'
      AND (NEW.starts_at IS DISTINCT FROM OLD.starts_at
           OR NEW.time_zone IS DISTINCT FROM OLD.time_zone))
EXECUTE FUNCTION {MARK}();
"""


def create_trigger(apps, schema_editor):
    schema_editor.execute(SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL)


def drop_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(f"DROP TRIGGER {MARK}")
    else:
        schema_editor.execute(f"DROP TRIGGER {MARK} ON events_event")
        schema_editor.execute(f"DROP FUNCTION {MARK}()")


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]

    operations = [migrations.RunPython(create_trigger, drop_trigger)]
