from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows_app", "0009_runs")]

    operations = [
        migrations.AddField(
            model_name="approval",
            name="told",
            field=models.JSONField(help_text="How many people got a notice, of how many who may decide.", null=True),
        ),
        migrations.AddField(
            model_name="notice",
            name="about",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="approval, decision or request; empty: a workflow said it.",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="approval",
            field=models.UUIDField(help_text="That which it asks for.", null=True),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("approval__isnull", False), ("read_at__isnull", True)),
                fields=["approval"],
                name="notice_to_decide",
            ),
        ),
    ]
