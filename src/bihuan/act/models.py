"""The tables of what was done: runs of campaigns, the delivery to each person, what came back, and who wants no more mail."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bihuan.govern.models import Project


class Run(models.Model):
    """A campaign that was launched: its document as it was then, the salt of its draw, and how far it is. A draft has no run."""

    class State(models.TextChoices):
        SCHEDULED = "scheduled", _("Scheduled")
        PREPARING = "preparing", _("Preparing")
        SENDING = "sending", _("Sending")
        PAUSED = "paused", _("Paused")
        MEASURING = "measuring", _("Measuring")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="campaign_runs")
    key = models.SlugField(max_length=100)
    name = models.CharField(max_length=200)
    uid = models.CharField(max_length=32, unique=True)
    salt = models.CharField(max_length=64)
    spec = models.JSONField()
    goal = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.SCHEDULED)
    paused_from = models.CharField(max_length=10, blank=True)
    send_at = models.DateTimeField()
    assigned_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    sent_all_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=500, blank=True)
    launched_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="one_run_each")]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """What one person of a run's audience gets, or why not. `state` changes only by conditional updates.

    `sending` is written before the byte that makes a message sent and `sent` after the answer; whoever finds `sending` with its lease
    over cannot know, so it becomes `uncertain` and is never sent again by itself.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("On its way")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        SUPPRESSED = "suppressed", _("Not sent")
        UNCERTAIN = "uncertain", _("Uncertain")
        HELD = "held", _("Held out")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="deliveries")
    person_id = models.BigIntegerField()
    address = models.CharField(max_length=320, blank=True)
    address_key = models.CharField(max_length=320, blank=True)
    properties = models.JSONField(default=dict)
    arm = models.CharField(max_length=10, blank=True)
    told_assigned = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=30, blank=True)
    answer = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_by = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    message_id = models.CharField(max_length=200, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    ledgered = models.BooleanField(default=False)
    opens = models.PositiveIntegerField(default=0)
    clicks = models.PositiveIntegerField(default=0)
    unsubscribed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "person_id"], name="one_delivery_a_person"),
            models.UniqueConstraint(fields=["run", "address_key"], name="one_delivery_an_address", condition=Q(address_key__gt="")),
        ]
        indexes = [
            models.Index(F("run"), F("state"), F("id"), name="deliveries_by_state"),
            models.Index(F("id"), name="deliveries_to_ledger", condition=Q(ledgered=False)),
        ]

    def __str__(self) -> str:
        return f"{self.run} to person {self.person_id} ({self.state})"


class Touch(models.Model):
    """Something that came back from a message: an opening, a click on its link number `link`, an unsubscription."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("Opened")
        CLICKED = "clicked", _("Clicked")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="touches")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    number = models.PositiveIntegerField()
    link = models.PositiveIntegerField(null=True, blank=True)
    at = models.DateTimeField()
    ledgered = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "kind", "number"], name="one_touch_a_number")]
        indexes = [models.Index(F("id"), name="touches_to_ledger", condition=Q(ledgered=False))]

    def __str__(self) -> str:
        return f"{self.delivery}: {self.kind}"


class Unsubscription(models.Model):
    """An address, and the person who had it, that gets no campaigns of a project any more."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="unsubscriptions")
    address_key = models.CharField(max_length=320)
    person_id = models.BigIntegerField(default=0)
    delivery = models.ForeignKey(Delivery, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "address_key"], name="one_unsubscription_each")]
        indexes = [models.Index(fields=["project", "person_id"], name="unsubscribed_people")]

    def __str__(self) -> str:
        return f"{self.address_key} ({self.project})"


class Pace(models.Model):
    """The one clock of all senders of this installation: nothing may be sent before `free_at`."""

    free_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"free at {self.free_at}"
