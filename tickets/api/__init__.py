"""Tickets and what hangs on them, for programs (SPEC 1, 3, 8): one router each."""

from tickets.api.messages import router as messages_router
from tickets.api.organisers import router as organisers_router
from tickets.api.tickets import router as tickets_router

routers = [tickets_router, organisers_router, messages_router]
