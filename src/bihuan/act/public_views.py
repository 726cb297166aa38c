"""The pages that people reach from a message, without a log-in: the picture, the links, and unsubscribing."""

from __future__ import annotations

import base64

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from bihuan.act.campaigns.tokens import delivery_of
from bihuan.act.campaigns.touches import note_clicked, note_opened, unsubscribe
from bihuan.act.models import Delivery
from bihuan.engine.config import Config

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@never_cache
@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """The picture, always, so that a message never shows a broken one; counted when the token is ours."""
    delivery = delivery_of(Config.from_env(), token)
    if delivery is not None and request.method == "GET":
        note_opened(delivery)
    return HttpResponse(PIXEL, content_type="image/gif")


@never_cache
@require_safe
def clicked(request: HttpRequest, token: str, link: int) -> HttpResponse:
    """On to the address that the message linked to, and to no other."""
    delivery = delivery_of(Config.from_env(), token)
    target = note_clicked(delivery, link) if delivery is not None else None
    if target is None:
        raise Http404
    return HttpResponseRedirect(target)


@never_cache
@csrf_exempt  # mail programs post here by themselves (RFC 8058); the signed token is the proof
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribed(request: HttpRequest, token: str) -> HttpResponse:
    """Asks on GET, as mail scanners follow links; does it on POST."""
    delivery = delivery_of(Config.from_env(), token)
    found = Delivery.objects.select_related("run__project").filter(pk=delivery).first() if delivery is not None else None
    if found is None:
        raise Http404
    done = request.method == "POST" and unsubscribe(found.pk)
    context = {"sender": found.run.spec["campaign"]["message"]["from_name"] or found.run.project.name, "done": done}
    return render(request, "act/unsubscribe.html", context)
