"""The addresses that people reach from a message, without a log-in."""

from __future__ import annotations

from django.urls import path

from bihuan.act import public_views as views

app_name = "messages"
urlpatterns = [
    path("o/<str:token>.gif", views.opened, name="opened"),
    path("c/<str:token>/<int:link>", views.clicked, name="clicked"),
    path("u/<str:token>", views.unsubscribed, name="unsubscribe"),
]
