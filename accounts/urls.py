"""allauth's pages, and our own beside them."""

from django.urls import include, path

from accounts import views

own = [
    path("profile/", views.profile, name="profile"),
    path("profile/organiser-code/", views.become_organiser, name="become_organiser"),
    path("export/", views.export, name="export"),
    path("delete/", views.delete, name="delete"),
    path("sessions/<int:pk>/end/", views.end_session, name="end_session"),
]

urlpatterns = [
    path("", include((own, "accounts"))),
    path("", include("allauth.urls")),
]
