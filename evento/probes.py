"""`/healthz`, `/readyz`, `/metrics`: what machines ask (docs/decisions/0023-what-is-measured.md)."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import resolve
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from evento import health
from evento.metrics import exposition

ADDRESSES = ("/healthz", "/readyz", "/metrics")
# What /readyz reports beside what decides, and may be asked to count.
INCLUDABLE = ("worker", "mail")
WORDS = {True: "ok", False: "failing", None: "unknown"}


class ProbeMiddleware:
    """Answers probes before anything else: no host name is asked for, and nobody sent to https.

    Probes come by IP address and plain HTTP. Pages stay behind ALLOWED_HOSTS.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in ADDRESSES:
            return self.get_response(request)
        response: HttpResponse = resolve(request.path_info).func(request)
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process answers at all. Asks nothing else, the database least of all."""
    return _text("ok\n")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether this process can serve: 200, else 503, with each check by its name.

    Database and migrations decide. Worker and mail are reported, and decide too for who asks with
    `?include=worker&include=mail`. Another word there is 400.
    """
    included = request.GET.getlist("include")
    if unknown := sorted(set(included) - set(INCLUDABLE)):
        sentence = f"There is no check named {unknown[0]!r} to include. Choose worker or mail."
        return JsonResponse({"error": sentence}, status=400)
    found = health.look(timezone.now())
    checks = {
        name: WORDS[getattr(found, attribute)]
        for name, attribute in (
            ("database", "database"),
            ("migrations", "migrated"),
            ("worker", "worker"),
            ("mail", "mail"),
        )
    }
    ready = all(checks[name] == "ok" for name in ("database", "migrations", *included))
    answer = {"status": "ready" if ready else "not ready", "checks": checks}
    return JsonResponse(answer, status=200 if ready else 503)


@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """The metrics for whoever sends METRICS_TOKEN as a bearer token; for all others there is nothing."""
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    is_bearer = scheme.lower() == "bearer"
    known = settings.METRICS_TOKEN
    if not (known and is_bearer and constant_time_compare(given.strip(), known)):
        return _text("Not found\n", status=404)
    return HttpResponse(exposition.page(), content_type=exposition.CONTENT_TYPE)


def _text(words: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(words, content_type="text/plain; charset=utf-8", status=status)
