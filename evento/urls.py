"""The site map: which app answers which address."""

from django.contrib import admin
from django.urls import include, path, re_path

from evento import media

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("notifications/", include("notifications.urls")),
    re_path(r"^media/covers/(?P<name>[0-9a-f]{32}(?:-small)?\.webp)$", media.cover, name="cover"),
    path("", include("tickets.urls")),
    path("", include("events.urls")),
]
