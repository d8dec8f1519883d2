from django.db import migrations, models

CHOICES = [("", "not where the person has seen the end"), ("failed", "where it did not work"), ("never", "never")]


class Migration(migrations.Migration):
    dependencies = [("orgs", "0004_portal")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="request_emails",
            field=models.CharField(
                blank=True,
                choices=CHOICES,
                db_default="",
                default="",
                max_length=8,
                verbose_name="e-mails about requests",
            ),
        ),
    ]
