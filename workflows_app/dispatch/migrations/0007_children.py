from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0006_metric")]

    operations = [
        migrations.AddField(
            model_name="dispatch",
            name="closes_with",
            field=models.UUIDField(help_text="The parent with whose end it is cancelled.", null=True),
        ),
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(
                condition=models.Q(("closes_with__isnull", False)), fields=["closes_with"], name="dispatch_children"
            ),
        ),
    ]
