"""The site map: which app answers which address."""

from django.contrib import admin
from django.urls import include, path, re_path

from evento import live, media, probes
from evento.api import api

handler500 = "evento.errors.server_error"

urlpatterns = [
    # First, because addresses are tried in turn: what a rush asks for.
    path("", include("tickets.urls")),
    path("", include("events.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/auth/", include("accounts.headless")),
    path("api/v1/", api.urls),
    path("accounts/", include("accounts.urls")),
    path("notifications/", include("notifications.urls")),
    # evento.probes.ProbeMiddleware answers these before any other middleware.
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.metrics_page, name="metrics"),
    path("live/", live.no_stream, name="live"),
    re_path(r"^media/covers/(?P<name>[0-9a-f]{32}(?:-small)?\.webp)$", media.cover, name="cover"),
]
