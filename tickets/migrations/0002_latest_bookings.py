"""An index for an event's latest bookings, in the place of one that another already served."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0002_frozen_start"), ("tickets", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="ticket",
            name="event",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tickets",
                to="events.event",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["event", "-booked_at"], name="tickets_latest"),
        ),
    ]
