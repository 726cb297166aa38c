"""The addresses of logging in, of allauth's only those that Bihuan uses: no sign-up, no addresses that nobody confirmed.

Owners let people in by their e-mail address, so nobody may give themselves one; a forgotten password is set by `bihuan user`.
"""

from __future__ import annotations

from allauth.account import views
from django.urls import path

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("signup/", views.signup, name="account_signup"),  # says that it is closed; the log-in links to it by name
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", views.password_set, name="account_set_password"),
]
