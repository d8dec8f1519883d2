import django.contrib.postgres.functions
import django.db.models.deletion
import uuid6
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows_app", "0007_providers")]

    operations = [
        migrations.CreateModel(
            name="StoredFile",
            fields=[
                ("id", models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                (
                    "content_type",
                    models.CharField(help_text="What its name and content say, not its sender.", max_length=100),
                ),
                ("size", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("content", models.BinaryField()),
                (
                    "scanned",
                    models.BooleanField(help_text="A virus scan let it pass; false where there is none."),
                ),
                (
                    "created_by",
                    models.JSONField(help_text='{"kind", "id", "email", "name"} as they were.'),
                ),
                (
                    "uploader",
                    models.CharField(
                        help_text="Kind and id of who made it; a run's file: who started it.", max_length=80
                    ),
                ),
                (
                    "key",
                    models.CharField(help_text="Of the step that saved it.", max_length=64, null=True, unique=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow()),
                ),
            ],
            options={"indexes": [models.Index(fields=["uploader"], name="storedfile_uploader")]},
        ),
        migrations.CreateModel(
            name="FileUse",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "file_id", "execution_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow()),
                ),
                (
                    "execution",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="files",
                        to="workflows_app.execution",
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="uses",
                        to="workflows_app.storedfile",
                    ),
                ),
            ],
        ),
    ]
