from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows_app", "0004_alerts")]

    operations = [
        migrations.AddField(
            model_name="approval",
            name="kind",
            field=models.CharField(
                choices=[("start", "Start"), ("step", "Step")], db_default="start", default="start", max_length=8
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="key",
            field=models.CharField(
                help_text="Which question of its execution; asked once.", max_length=250, null=True
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="message",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="approval",
            name="form",
            field=models.JSONField(help_text="Its fields, with initial values that are redacted.", null=True),
        ),
        migrations.AddField(
            model_name="approval",
            name="form_sealed",
            field=models.BinaryField(
                help_text="The exact initial values, where redaction changed them.", null=True
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="approvers",
            field=models.JSONField(help_text="The e-mail addresses of those who alone may decide.", null=True),
        ),
        migrations.AddField(
            model_name="approval",
            name="values",
            field=models.JSONField(help_text="The form's values as they were approved, redacted.", null=True),
        ),
        migrations.AddField(
            model_name="approval",
            name="values_sealed",
            field=models.BinaryField(help_text="The exact values, where redaction changed them.", null=True),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(fields=("execution", "key"), name="approval_once"),
        ),
    ]
