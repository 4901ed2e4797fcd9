from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0004_indexes_of_lists"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("name", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("number", models.PositiveBigIntegerField(default=0)),
                ("until", models.DateTimeField()),
            ],
        ),
    ]
