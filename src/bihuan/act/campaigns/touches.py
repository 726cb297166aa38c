"""What comes back from a message: openings, clicks, and people who want no more."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from bihuan.act.models import Delivery, Touch, Unsubscription

MOST = 50  # openings, and clicks, that are kept of one message: machines repeat them without end


def note_opened(delivery: int, *, at: datetime | None = None) -> None:
    """Somebody, or a mail program by itself, loaded the message's picture. Every time is an event; people are counted once."""
    _note(delivery, Touch.Kind.OPENED, "opens", None, at)


def note_clicked(delivery: int, link: int, *, at: datetime | None = None) -> str | None:
    """Somebody followed link number `link`: where it leads, or None when the message had no such link."""
    found = Delivery.objects.select_related("run").filter(pk=delivery).first()
    if found is None:
        return None
    links = found.run.spec.get("links", [])
    if link >= len(links):
        return None
    _note(delivery, Touch.Kind.CLICKED, "clicks", link, at)
    return str(links[link])


def unsubscribe(delivery: int, *, at: datetime | None = None) -> bool:
    """This address, and this person, get no campaigns of the project any more; whether there is such a delivery."""
    at = at or datetime.now(UTC)
    with transaction.atomic():
        found = Delivery.objects.select_for_update().select_related("run").filter(pk=delivery).first()
        if found is None:
            return False
        key = found.address_key or found.address.lower()
        values = {"person_id": found.person_id, "delivery": found, "at": at}
        Unsubscription.objects.get_or_create(project_id=found.run.project_id, address_key=key, defaults=values)
        if found.unsubscribed_at is None:
            Delivery.objects.filter(pk=found.pk).update(unsubscribed_at=at)
            Touch.objects.get_or_create(delivery=found, kind=Touch.Kind.UNSUBSCRIBED, number=0, defaults={"at": at})
    return True


def _note(delivery: int, kind: Touch.Kind, counter: str, link: int | None, at: datetime | None) -> None:
    with transaction.atomic():
        found = Delivery.objects.select_for_update().filter(pk=delivery).first()
        if found is None:
            return
        number = int(getattr(found, counter))
        if number >= MOST:
            return
        Touch.objects.create(delivery=found, kind=kind, number=number, link=link, at=at or datetime.now(UTC))
        Delivery.objects.filter(pk=found.pk).update(**{counter: number + 1})
