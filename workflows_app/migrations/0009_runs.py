from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows_app", "0008_files")]

    operations = [
        migrations.AddField(model_name="execution", name="approved_input", field=models.JSONField(null=True)),
        migrations.AddField(model_name="execution", name="approved_input_sealed", field=models.BinaryField(null=True)),
    ]
