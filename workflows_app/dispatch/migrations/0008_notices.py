import django.contrib.postgres.functions
import uuid6
from django.db import migrations, models

KINDS = [
    ("approval", "an approval was asked for"),
    ("decision", "an approval was decided"),
    ("request", "a request has ended"),
]


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0007_children")]

    operations = [
        migrations.CreateModel(
            name="Tiding",
            fields=[
                ("id", models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ("organization", models.UUIDField()),
                ("kind", models.CharField(choices=KINDS, max_length=16)),
                ("item", models.UUIDField(help_text="The approval, or the submission.")),
                (
                    "execution",
                    models.UUIDField(help_text="Empty: it is not known yet, or was never started.", null=True),
                ),
                (
                    "told",
                    models.BooleanField(
                        db_default=False, help_text="What is left to do comes with the execution's end."
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("kind", "item"), name="dispatch_tiding_once")],
            },
        ),
    ]
