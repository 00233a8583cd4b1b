from django.urls import path

from events import views

app_name = "events"
urlpatterns = [
    path("", views.upcoming, name="list"),
    path("past/", views.past, name="past"),
    path("calendar/", views.month, name="calendar"),
    path("calendar/<int:year>/<int:month>/", views.month, name="month"),
    path("events/offers/<uuid:offer_id>/", views.offer, name="offer"),
    path("events/<slug:slug>.ics", views.ics, name="ics"),
    path("events/<slug:slug>/", views.detail, name="detail"),
]
