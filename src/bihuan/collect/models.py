"""The tables of this stage: the imports of files, each with what became of its rows."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from bihuan.catalog.models import Definition
from bihuan.govern.models import Project


class ImportRun(models.Model):
    """One file brought in, or about to be. `rows_stored` and `rows_known` (stored before) and `rows_rejected` add up to `rows_read`.
    `first_at` and `last_at` are the times of the earliest and the latest event.

    `upload` is the file's name in the folder of uploads while it is needed; imports from the command line have none. `task` is the import
    definition that it is a run of. `dry`: everything is read and checked, nothing is stored. `checkpoint` is what an attempt that is broken
    off has done, and where the next one goes on.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("To be checked")
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped")

    class Kind(models.TextChoices):
        EVENTS = "events", _("Events: what people did")
        PERSONS = "persons", _("Persons")
        METRICS = "metrics", _("Metric series")
        COSTS = "costs", _("Costs of channels")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.EVENTS)
    task = models.ForeignKey("ImportTask", on_delete=models.SET_NULL, null=True, blank=True, related_name="runs")
    dry = models.BooleanField(default=False)
    checkpoint = models.JSONField(default=dict, blank=True)
    file_name = models.CharField(max_length=255)
    size = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    upload = models.CharField(max_length=100, blank=True)
    mapping = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.UPLOADED)
    problem = models.TextField(blank=True)
    rows_read = models.BigIntegerField(default=0)
    rows_stored = models.BigIntegerField(default=0)
    rows_known = models.BigIntegerField(default=0)
    rows_rejected = models.BigIntegerField(default=0)
    rows_of_nobody = models.BigIntegerField(default=0)
    rows_moved = models.BigIntegerField(default=0)
    first_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    progress = models.FloatField(default=0.0)
    rejects = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=20, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    via = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [models.Index(fields=["project", "-created_at"], name="imports_newest_first")]
        constraints = [
            models.UniqueConstraint(fields=["task"], condition=models.Q(state__in=["queued", "running"]), name="one_run_of_a_task_at_once")
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"


class WebhookSecret(models.Model):
    """What proves a webhook's sender: kept apart from the definition, whose revisions everybody may read. `until` is when an earlier one
    ends to be right, None for the present one; `hint` are its last characters, for those who compare it with the sender's."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    webhook = models.SlugField(max_length=100)
    secret = models.CharField(max_length=500)
    hint = models.CharField(max_length=8, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [models.Index(fields=["project", "webhook"], name="secrets_of_a_webhook")]

    def __str__(self) -> str:
        return f"{self.webhook} (…{self.hint})"


class WebhookDelivery(models.Model):
    """One of the latest requests to a webhook and its fate, written by the collector. The four numbers are of events."""

    class Fate(models.TextChoices):
        STORED = "stored", _("Stored")
        KNOWN = "known", _("Known already")
        QUARANTINED = "quarantined", _("In quarantine")
        IGNORED = "ignored", _("Ignored")
        FORGED = "forged", _("Not believed")
        LATER = "later", _("To come again")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    webhook = models.SlugField(max_length=100)
    at = models.DateTimeField()
    fate = models.CharField(max_length=12, choices=Fate.choices)
    detail = models.TextField(blank=True)
    stored = models.IntegerField(default=0)
    known = models.IntegerField(default=0)
    quarantined = models.IntegerField(default=0)
    ignored = models.IntegerField(default=0)
    body = models.TextField(blank=True)

    class Meta:
        ordering = ("-at", "-id")
        indexes = [models.Index(fields=["project", "webhook", "-at"], name="deliveries_newest_first")]

    def __str__(self) -> str:
        return f"{self.webhook} {self.at}: {self.fate}"


class Connection(models.Model):
    """Where imports may read: made by who may `manage`, as it lets Bihuan's machine reach that address. `place` holds no password;
    `secret` is never shown, exported, logged or noted in the audit trail."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="connections")
    key = models.SlugField(max_length=100)
    name = models.CharField(max_length=200)
    place = models.CharField(max_length=1_000)
    secret = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="one_connection_each")]

    def __str__(self) -> str:
        return self.name


class ImportTask(models.Model):
    """How far an import definition has come: the `cursor` that it goes on from (which is of `origin`: another query begins anew), when it
    runs next, and how often it has failed in a row."""

    definition = models.OneToOneField(Definition, on_delete=models.CASCADE, related_name="import_task")
    cursor = models.JSONField(null=True, blank=True)
    origin = models.CharField(max_length=64, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="imports_that_are_due")]

    def __str__(self) -> str:
        return f"{self.definition}: {self.next_at or '-'}"
