import django.contrib.postgres.fields
import django.contrib.postgres.functions
import uuid6
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('dispatch', '0005_alerts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Metric',
            fields=[
                ('id', models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ('family', models.CharField(max_length=100)),
                ('labels', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), size=None)),
                ('count', models.BigIntegerField()),
                ('total', models.FloatField(help_text="The sum of a histogram's values.")),
                ('buckets', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text="How many of a histogram's values lie in each.", size=None)),
                ('changed_at', models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('family', 'labels'), name='dispatch_one_metric')],
            },
        ),
        # Every process adds to the same rows every few seconds: room for updates in place.
        migrations.RunSQL(
            "ALTER TABLE dispatch_metric SET (fillfactor = 50)",
            "ALTER TABLE dispatch_metric RESET (fillfactor)",
        ),
    ]
