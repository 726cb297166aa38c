"""The tables of who may do what: projects, members, keys, tokens, the audit trail, and the jobs of the worker."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What somebody is in a project; each may do what those below may (`govern.rights`)."""

    OWNER = "owner", _("Owner")
    OPERATOR = "operator", _("Operator")
    ANALYST = "analyst", _("Analyst")
    VIEWER = "viewer", _("Viewer")


class Project(models.Model):
    """One product whose events are kept apart from all others. Its number is the `project_id` of the event store."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    timezone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="USD")
    private_properties = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """That a user may enter a project, and as what."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="one_membership_each")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {self.role}"


class Secret(models.Model):
    """Something that opens a door: shown once when made, kept as its SHA-256; `prefix` tells people which one it is."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class WriteKey(Secret):
    """Lets a client send events into a project, and nothing else."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="write_keys")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")


class ApiToken(Secret):
    """Lets a program ask and define in a project on behalf of `user`, with at most the role `role`."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="api_tokens")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)


class AuditEntry(models.Model):
    """One change: who (`actor`, nobody when Bihuan itself did it; `via` how), did what (`verb`), to what, from what, to what."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="audit_entries")
    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    via = models.CharField(max_length=120, blank=True)
    verb = models.CharField(max_length=40)
    object_kind = models.CharField(max_length=40)
    object_key = models.CharField(max_length=200)
    summary = models.CharField(max_length=500, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("-at", "-id")
        indexes = [models.Index(fields=["project", "-at"], name="audit_newest_first")]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_kind} {self.object_key}"


class Job(models.Model):
    """Work for the worker, see `govern.jobs`. `key` names work that must exist once only."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped")

    kind = models.CharField(max_length=60)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="jobs")
    payload = models.JSONField(default=dict)
    key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    run_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=10)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_by = models.CharField(max_length=100, blank=True)
    stop_requested = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    progress = models.FloatField(default=0.0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("run_at", "id")
        indexes = [
            models.Index(F("run_at"), F("id"), name="jobs_to_claim", condition=Q(state__in=["queued", "running"])),
            models.Index(fields=["project", "kind", "-created_at"], name="jobs_of_a_project"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"
