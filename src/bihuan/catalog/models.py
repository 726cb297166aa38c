"""The tables of definitions: what the words of a project mean, and every revision of each."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from bihuan.govern.models import Project


class Definition(models.Model):
    """One saved meaning: a segment, a metric, a board, a campaign … `spec` is the kind's own document (`catalog.kinds`)."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        LIVE = "live", _("In use")
        ARCHIVED = "archived", _("Archived")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="definitions")
    kind = models.CharField(max_length=40)
    key = models.SlugField(max_length=100)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    spec = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.LIVE)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["project", "kind", "key"], name="one_definition_each")]

    def __str__(self) -> str:
        return self.name


class Revision(models.Model):
    """A definition as it was once: revisions are only ever added."""

    definition = models.ForeignKey(Definition, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    spec = models.JSONField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        constraints = [models.UniqueConstraint(fields=["definition", "number"], name="one_revision_each")]

    def __str__(self) -> str:
        return f"{self.name} #{self.number}"
