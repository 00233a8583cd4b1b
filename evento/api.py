"""The REST API under /api/v1/: one `API`, to which each app brings the router of its own `api.py`.

How a router is written:

    router = Router(tags=["Tickets"])                         # from evento.http.routing

    @router.post("/events/{slug:slug}/ticket", response={200: TicketOutput, 201: TicketOutput},
                 summary="Take a ticket", openapi_extra=refuses("full", "started"))
    def take_ticket(request: HttpRequest, slug: str, asked: TicketInput) -> Status:
        \"\"\"The description, in Markdown. The function's name is the operation's id.\"\"\"
        return Status(201, book_ticket(...))                  # a Refusal answers by itself

- Who: signed in by default; `auth=PUBLIC` (evento.http.auth) lets visitors in. `request.user` is the person.
- In: a body is an `Input` (evento.http.schemas; unknown fields are refused), a query `Query[SomeInput]`,
  lists take `Query[PageQuery]`. Bound every text and number (`Field(max_length=..., ge=..., le=...)`),
  take moments as `Moment`, whole numbers and flags in bodies as pydantic's `StrictInt`, `StrictBool`. In a
  PATCH a field that may be left out is `name: str = omittable(max_length=...)`; read what was given with
  `model_dump(exclude_unset=True)`. Path parts have converters: `{slug:slug}`, `{uuid:ticket_id}`.
- Out: an `Output`; a list is a `PageOutput` with `items`, made by `page_of(keyset_page(...))`.
- Errors: raise Refusal, `Invalid.field(...)`, `Invalid.form(form)` or Http404; document nothing: 401, 403,
  404, 409, 422 and their kin are added to the description by what the operation is. `refuses(...)` names the
  codes of its refusals.
- GETs answer HEAD, ETag and If-None-Match by themselves; nothing else may be cached.
- Mount it below. `make openapi` renews docs/openapi.json, which a test compares.
"""

from accounts.api import router as accounts_router
from accounts.headless_description import describe as describe_sign_in
from evento.http import problem
from evento.http.auth import SIGNED_IN
from evento.http.conditional import conditional
from evento.http.openapi import API, Docs
from evento.http.parsing import JSONParser
from evento.http.throttling import RateLimit
from events.api import router as events_router
from notifications.api import router as notifications_router
from tickets.api import routers as tickets_routers

DESCRIPTION = """\
Everything that the pages of this site can do, for programs.

Sign in under `/api/v1/auth/` and send the access token as `Authorization: Bearer …`; calls from the site's
own pages may use the session cookie with `X-CSRFToken`. Bodies are JSON. Every error outside
`/api/v1/auth/` has the shape of [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) with a stable `code`.
Lists come in pages: give `next_cursor` as `cursor`.
"""

# In the order of the documentation.
TAGS = [
    {"name": "Sign-in", "description": "Sign up, sign in, tokens (django-allauth's own shapes)."},
    {"name": "Me", "description": "My account."},
    {"name": "Events", "description": "What is on, and what I organise."},
    {"name": "Tickets", "description": "My tickets, and those of the events I organise."},
    {"name": "Messages", "description": "What organisers write to the holders of tickets."},
    {"name": "Notifications", "description": "My notices."},
    {"name": "Password", "description": "Change it, or a new one when it is forgotten."},
    {"name": "E-mail address", "description": "Confirm or change it."},
    {"name": "Second factor", "description": "Codes from an app, recovery codes and passkeys."},
    {"name": "Devices", "description": "Where I am signed in."},
]

api = API(
    title="Evento",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs=Docs(),
    docs_decorator=conditional,
    auth=SIGNED_IN,
    throttle=[RateLimit()],
    parser=JSONParser(),
    parts=[describe_sign_in],
    servers=[{"url": "/"}],
    openapi_extra={"tags": TAGS},
)
problem.install(api)

api.add_router("", accounts_router)
api.add_router("", events_router)
for router in tickets_routers:
    api.add_router("", router)
api.add_router("", notifications_router)
