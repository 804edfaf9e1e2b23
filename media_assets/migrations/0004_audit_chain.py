"""Audit events get their place in a chain, also those that are there already."""

from operator import attrgetter
from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from media_assets.models import digests, triggers

CHUNK = 5000
EARLIER = "earlier"  # one lane for all events from before, in their order; nobody adds to it


def drop_triggers(apps: Any, schema_editor: Any) -> None:
    triggers.drop(using=schema_editor.connection.alias)


def install_triggers(apps: Any, schema_editor: Any) -> None:
    triggers.install(using=schema_editor.connection.alias)


def chain(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    events = apps.get_model("media_assets", "AuditEvent").objects.using(connection.alias)
    lanes = apps.get_model("media_assets", "AuditLane").objects.using(connection.alias)
    content_of = attrgetter(*digests.CONTENT)
    number, digest, last = 0, "", 0
    while rows := list(events.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = rows[-1].pk
        places = []
        for row in rows:
            number += 1
            content = dict(zip(digests.CONTENT, content_of(row)))
            digest = digests.digest_of(digest, lane=EARLIER, number=number, content=content)
            places.append((EARLIER, number, digest, row.pk))
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE media_assets_auditevent SET lane = %s, number = %s, digest = %s WHERE id = %s",
                places,
            )
    if number:
        lanes.create(name=EARLIER, number=number, digest=digest)


class Migration(migrations.Migration):

    dependencies = [
        ('media_assets', '0003_search'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(drop_triggers, install_triggers),
        migrations.CreateModel(
            name='AuditLane',
            fields=[
                ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('number', models.PositiveBigIntegerField()),
                ('digest', models.CharField(max_length=64)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='auditevent',
            name='lane',
            field=models.CharField(default='', editable=False, max_length=40),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='number',
            field=models.PositiveBigIntegerField(default=0, editable=False),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='digest',
            field=models.CharField(default='', editable=False, max_length=64),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='when'),
        ),
        migrations.RunPython(chain, drop_triggers),
        migrations.CreateModel(
            name='Purge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account', models.CharField(help_text='of the operating system', max_length=80)),
                ('before', models.DateTimeField()),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('uploads', models.PositiveIntegerField(default=0)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('batches', models.PositiveIntegerField(default=0)),
                ('by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='auditevent',
            constraint=models.UniqueConstraint(fields=('lane', 'number'), name='audit_once_per_place'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['-created_at', '-id'], name='audit_newest'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['actor_name', '-created_at', '-id'], name='audit_by_actor'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['action', '-created_at', '-id'], name='audit_by_action'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['actor_name', 'action', '-created_at', '-id'], name='audit_by_actor_action'),
        ),
    ]
