from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('forms_app', '0002_builder'),
    ]

    operations = [
        migrations.AddField(
            model_name='submission',
            name='labels',
            field=models.JSONField(db_default={}, default=dict, help_text="Of options that were chosen, as they were then."),
        ),
    ]
