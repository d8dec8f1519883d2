from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows_app", "0005_approvals")]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="continued_from",
            field=models.UUIDField(help_text="The execution in whose place this one goes on.", null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="continued_as",
            field=models.UUIDField(help_text="The execution that goes on in the place of this one.", null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="chain",
            field=models.UUIDField(
                help_text="The first of the executions that went on one after the other.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("chain__isnull", False), ("continued_as__isnull", True)),
                fields=["chain"],
                name="execution_chain",
            ),
        ),
        migrations.AddField(
            model_name="inbox",
            name="key",
            field=models.CharField(
                help_text="Of the step that sent it, which may run again.", max_length=255, null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="inbox",
            constraint=models.UniqueConstraint(
                condition=models.Q(("key__isnull", False)), fields=("key",), name="inbox_key"
            ),
        ),
    ]
