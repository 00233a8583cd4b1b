"""Booking and tickets (SPEC 9)."""

from django.urls import path

from tickets import views

app_name = "tickets"
urlpatterns = [
    path("events/<slug:slug>/ticket/", views.request_ticket, name="request"),
    path("tickets/", views.my_tickets, name="list"),
    path("tickets/<uuid:pk>/", views.show_ticket, name="detail"),
    path("tickets/<uuid:pk>/note/", views.change_ticket_note, name="note"),
    path("tickets/<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("tickets/<uuid:pk>/ticket.ics", views.calendar_file, name="ics"),
    path("tickets/<uuid:pk>/barcode.svg", views.barcode, {"kind": "svg"}, name="barcode_svg"),
    path("tickets/<uuid:pk>/barcode.png", views.barcode, {"kind": "png"}, name="barcode_png"),
]
