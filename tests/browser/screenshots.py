"""Take a picture of every page for `docs/screenshots/`: `make screenshots`.

Starts Evento with demo data on a database of its own, and looks at each page at 360 and 1280
pixels, in light and in dark. What a page is and who looks at it stands in `pages()`.
"""

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "docs" / "screenshots"
WIDTHS = {"phone": (360, 780), "desktop": (1280, 900)}
SCHEMES = ("light", "dark")
TALLEST = 2400  # pixels: a longer page repeats itself
DEMO_SEED = "7"


@dataclass(frozen=True)
class Page:
    """One page as one person sees it."""

    name: str
    path: str
    role: str = "visitor"


@contextmanager
def demo_site(folder: Path) -> Iterator[str]:
    """Evento with demo data at the yielded address; ends with the block."""
    database_url = f"sqlite:///{folder / 'screenshots.sqlite3'}"
    os.environ |= {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "evento.settings"}
    manage = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*manage, "migrate", "--verbosity=0"], check=True)
    subprocess.run([*manage, "create_demo", "--seed", DEMO_SEED], check=True)
    import django  # noqa: PLC0415 - after the environment is set

    django.setup()
    from tests.servers import running  # noqa: PLC0415

    with running(folder, database_url=database_url, threads=4) as server:
        yield server.url


def pages() -> list[Page]:
    """Every page, with an address that shows it at its fullest."""
    from django.db.models import F  # noqa: PLC0415
    from django.urls import reverse  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415
    from events.models import Event  # noqa: PLC0415
    from tickets.models import Ticket  # noqa: PLC0415

    now = timezone.now()
    attendee = User.objects.get(email="attendee@example.org")
    organiser = User.objects.get(email="organiser@example.org")
    upcoming = Event.objects.published().upcoming(now)
    mine = Ticket.objects.valid().held_by(attendee)
    ticket = mine.filter(event__in=upcoming).first()
    others = upcoming.exclude(tickets__holder=attendee)
    plenty = others.filter(places_taken__lt=F("capacity") / 2).first()
    full = others.filter(places_taken=F("capacity")).first()
    few = others.filter(places_taken__gt=F("capacity") * 0.95, places_taken__lt=F("capacity"))
    cancelled = Event.objects.filter(status=Event.Status.CANCELLED, archived_at=None).first()
    managed = Event.objects.managed_by(organiser)
    running = managed.published().upcoming(now).order_by("-places_taken").first()
    draft = managed.filter(status=Event.Status.DRAFT).first()
    void = Ticket.objects.held_by(attendee).filter(event__status=Event.Status.CANCELLED).first()

    def at(name: str, *args: object) -> str:
        return reverse(name, args=args)

    def admin(name: str, *args: object) -> str:
        return reverse(f"admin:{name}", args=args)

    listed = [
        Page("list", "/"),
        Page("list-signed-in", "/", "attendee"),
        Page("list-no-match", "/?q=nothing+like+this"),
        Page("past", "/past/"),
        Page("calendar", "/calendar/"),
        Page("event", at("events:detail", plenty.slug), "attendee"),
        Page("event-visitor", at("events:detail", plenty.slug)),
        Page("event-ticket-held", at("events:detail", ticket.event.slug), "attendee"),
        Page("event-full", at("events:detail", full.slug), "attendee"),
        Page("event-last-spaces", at("events:detail", few.first().slug), "attendee"),
        Page("event-cancelled", at("events:detail", cancelled.slug)),
        Page("ticket", at("tickets:detail", ticket.pk), "attendee"),
        Page("ticket-cancel", at("tickets:cancel", ticket.pk), "attendee"),
        Page("tickets", at("tickets:list"), "attendee"),
        Page("notifications", at("notifications:list"), "attendee"),
        Page("notice-preferences", at("notifications:preferences"), "attendee"),
        Page("profile", at("accounts:profile"), "attendee"),
        Page("export", at("accounts:export"), "attendee"),
        Page("delete-account", at("accounts:delete"), "attendee"),
        Page("email", at("account_email"), "attendee"),
        Page("password-change", at("account_change_password"), "attendee"),
        Page("second-factors", at("mfa_index"), "attendee"),
        Page("sessions", at("usersessions_list"), "attendee"),
        Page("sign-up", at("account_signup")),
        Page("sign-in", at("account_login")),
        Page("password-reset", at("account_reset_password")),
        Page("confirm-email-sent", at("account_email_verification_sent")),
        Page("not-found", "/events/no-such-event/"),
        Page("admin-index", admin("index"), "organiser"),
        Page("admin-events", admin("events_event_changelist"), "organiser"),
        Page("admin-event-add", admin("events_event_add"), "organiser"),
        Page("admin-event-published", admin("events_event_change", running.pk), "organiser"),
        Page("admin-event-draft", admin("events_event_change", draft.pk), "organiser"),
        Page(
            "admin-event-tickets",
            f"{admin('tickets_ticket_changelist')}?event={running.pk}",
            "organiser",
        ),
        Page("admin-staff-index", admin("index"), "staff"),
        Page("admin-people", admin("accounts_user_changelist"), "staff"),
        Page("admin-mails", admin("notifications_outgoingemail_changelist"), "staff"),
    ]
    if void is not None:
        listed.append(Page("ticket-void", at("tickets:detail", void.pk), "attendee"))
    return listed


def sign_in(page, address: str, role: str) -> None:
    from evento.demo.people import PASSWORD  # noqa: PLC0415

    page.goto(f"{address}/accounts/login/")
    page.fill("input[name=login]", f"{role}@example.org")
    page.fill("input[name=password]", PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "login" not in url)


def save(picture: bytes, path: Path) -> None:
    """As a PNG of at most 256 colours: a third of the size, and nobody sees the difference."""
    from PIL import Image  # noqa: PLC0415

    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.crop((0, 0, image.width, min(image.height, TALLEST)))
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def take(address: str, wanted: list[Page], only: set[str]) -> list[str]:
    """Take all pictures; returns what the browser's console complained about."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for role in sorted({page.role for page in wanted}):
            signed_in = browser.new_context(color_scheme="light")
            if role != "visitor":
                sign_in(signed_in.new_page(), address, role)
            state = signed_in.storage_state()
            for size, (width, height) in WIDTHS.items():
                for scheme in SCHEMES:
                    context = browser.new_context(
                        viewport={"width": width, "height": height},
                        color_scheme=scheme,
                        storage_state=state,
                        reduced_motion="reduce",
                    )
                    tab = context.new_page()
                    tab.on(
                        "console",
                        lambda message: message.type == "error" and complaints.append(message.text),
                    )
                    for page in wanted:
                        if page.role != role or (only and page.name not in only):
                            continue
                        tab.goto(address + page.path, wait_until="networkidle")
                        save(
                            tab.screenshot(full_page=True),
                            TARGET / f"{page.name}-{size}-{scheme}.png",
                        )
                    context.close()
        browser.close()
    return complaints


def main() -> None:
    """`python -m tests.browser.screenshots [NAME ...]`: all pages, or the named ones."""
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, demo_site(Path(folder)) as address:
        wanted = pages()
        complaints = take(address, wanted, set(sys.argv[1:]))
    for complaint in sorted(set(complaints)):
        sys.stderr.write(f"console: {complaint}\n")
    sys.stdout.write(f"{len(wanted)} pages in {TARGET.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
