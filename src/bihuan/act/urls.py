"""The addresses of this stage under a project."""

from __future__ import annotations

from django.urls import path

from bihuan.act import views

app_name = "act"
urlpatterns = [
    path("campaigns/", views.campaigns, name="campaigns"),
    path("campaigns/new/", views.new_campaign, name="new_campaign"),
    path("campaigns/preview/", views.preview_campaign, name="preview_campaign"),
    path("campaigns/<slug:key>/", views.campaign, name="campaign"),
    path("campaigns/<slug:key>/edit/", views.edit_campaign, name="edit_campaign"),
    path("campaigns/<slug:key>/copy/", views.copy_campaign, name="copy_campaign"),
    path("campaigns/<slug:key>/do/", views.turn_campaign, name="turn_campaign"),
    path("campaigns/<slug:key>/people/", views.campaign_people, name="campaign_people"),
]
