"""An index for the admin's list of all tickets."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0003_holder_messages"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["-booked_at", "-id"], name="tickets_newest"),
        ),
    ]
