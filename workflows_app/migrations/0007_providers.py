import uuid6
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows_app", "0006_children")]

    operations = [
        migrations.CreateModel(
            name="ProviderHealth",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("provider", models.CharField(max_length=100, unique=True, verbose_name="data provider")),
                ("last_success_at", models.DateTimeField(null=True)),
                ("last_error_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, default="", help_text="For staff.", max_length=500)),
                ("failures", models.PositiveIntegerField(default=0, verbose_name="failures in a row")),
                ("options", models.PositiveIntegerField(help_text="How many it gave last.", null=True)),
                ("duration_ms", models.PositiveIntegerField(help_text="How long that took.", null=True)),
                (
                    "log",
                    models.JSONField(
                        default=list, help_text="What it logged when it was asked last, redacted and cut."
                    ),
                ),
                ("asked_at", models.DateTimeField(db_index=True)),
            ],
            options={"verbose_name": "data provider", "ordering": ["provider"]},
        ),
    ]
