from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0008_notices")]

    operations = [
        migrations.AddField(
            model_name="dispatch",
            name="chain",
            field=models.UUIDField(help_text="The first of the executions that went on one after the other.", null=True),
        ),
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(
                condition=models.Q(("chain__isnull", False)), fields=["chain"], name="dispatch_continued"
            ),
        ),
    ]
