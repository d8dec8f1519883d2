import django.contrib.postgres.functions
import uuid
import uuid6
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('forms_app', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='FormDraft',
            fields=[
                ('id', models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ('form', models.UUIDField()),
                ('actor', models.CharField(help_text='Kind and id.', max_length=80)),
                ('base', models.PositiveIntegerField(help_text='The number of the version that it began from.')),
                ('content', models.JSONField(help_text='As forms_app.builder.content reads it.')),
                ('earlier', models.JSONField(default=list, help_text='What it was before the last steps, the newest last.')),
                ('revision', models.UUIDField(default=uuid.uuid4, help_text='Another one after each change.')),
                ('changed_at', models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('form', 'actor'), name='form_draft_once')],
            },
        ),
    ]
