from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows_app", "0002_background")]

    operations = [
        migrations.AddField(
            model_name="executionevent",
            name="exact",
            field=models.BinaryField(
                help_text="The value in it, encrypted, where redaction changed that.", null=True
            ),
        ),
    ]
