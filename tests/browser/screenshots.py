"""Take a picture of every page for `docs/screenshots/`: `make screenshots`.

Starts Evento with demo data on a database of its own, and looks at each page at 360 and 1280
pixels, in light and in dark. What a page is and who looks at it stands in `pages()`.
`SCREENSHOTS=FOLDER` puts the pictures elsewhere.
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
TARGET = Path(os.environ.get("SCREENSHOTS") or ROOT / "docs" / "screenshots")
WIDTHS = {"phone": (360, 780), "desktop": (1280, 900)}
SCHEMES = ("light", "dark")
TALLEST = 2400  # pixels: a longer page repeats itself
DEMO_SEED = "7"
BUSY_DAY = 7  # events on one day: more than the calendar shows of it at once
# Answers that no GET brings about, with what their template is told.
ERRORS: dict[str, dict[str, str]] = {
    "400": {},
    "403_csrf": {},
    "409": {"message": "All places are taken.", "back_url": "/"},
    "429": {},
    "500": {},
    "503": {},
}


@dataclass(frozen=True)
class Page:
    """One page as one person sees it."""

    name: str
    path: str
    role: str = "visitor"
    media: str = "screen"
    template: str = ""


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


def prepare() -> None:
    """Add what the demo has none of: second factors, an offer, a parked mail, a crowded day."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes  # noqa: PLC0415
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415
    from events.models import Event  # noqa: PLC0415
    from events.services import add_organiser, offer_organiser  # noqa: PLC0415
    from notifications.models import OutgoingEmail  # noqa: PLC0415
    from notifications.services import ACCOUNT_MAIL  # noqa: PLC0415

    people = {name: _person(name) for name in ("promoted", "guarded", "halfway", "newcomer")}
    people["newcomer"].emailaddress_set.update(verified=False)
    for name in ("guarded", "halfway"):
        TOTP.activate(people[name], generate_totp_secret())
        RecoveryCodes.activate(people[name])
    organiser = User.objects.get(email="organiser@example.org")
    event = Event.objects.managed_by(organiser).published().order_by("-starts_at").first()
    add_organiser(event, user=people["promoted"], by=organiser)
    offer_organiser(event, email="attendee@example.org", by=organiser)
    OutgoingEmail.objects.create(
        address="nobody@example.com",
        kind=ACCOUNT_MAIL,
        key="parked",
        state=OutgoingEmail.State.PARKED,
        attempts=8,
        last_error="550 5.1.1 There is nobody of that name",
    )
    _crowd_a_day(event)


def _person(name: str):
    from allauth.account.models import EmailAddress  # noqa: PLC0415
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415
    from evento.demo.people import PASSWORD  # noqa: PLC0415

    person = User.objects.create(
        username=name,
        email=f"{name}@example.org",
        display_name=f"{name.title()} Person",
        password=make_password(PASSWORD),
    )
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


def _crowd_a_day(event) -> None:
    from accounts.models import User  # noqa: PLC0415
    from events.models import Event  # noqa: PLC0415
    from events.services import copy_event, publish_event  # noqa: PLC0415

    staff = User.objects.get(email="staff@example.org")
    examples = Event.objects.published().exclude(pk=event.pk).order_by("title")[:BUSY_DAY]
    for number, example in enumerate(examples):
        draft = copy_event(example, by=staff)
        start = event.starts_at.replace(hour=8 + number)
        Event.objects.filter(pk=draft.pk).update(starts_at=start, starts_on=start.date())
        publish_event(draft, by=staff)


def account_pages() -> list[Page]:
    """Pages behind a link in a mail, and those of the second step."""
    from allauth.account.forms import default_token_generator  # noqa: PLC0415
    from allauth.account.models import EmailAddress, EmailConfirmationHMAC  # noqa: PLC0415
    from allauth.account.utils import user_pk_to_url_str  # noqa: PLC0415
    from django.urls import reverse  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415
    from events.models import OrganiserOffer  # noqa: PLC0415
    from notifications.kinds import optional_kinds  # noqa: PLC0415
    from notifications.mail import unsubscribe_token  # noqa: PLC0415

    unverified = EmailConfirmationHMAC(EmailAddress.objects.get(email="newcomer@example.org"))
    attendee = User.objects.get(email="attendee@example.org")
    newcomer = unverified.email_address.user  # signs in never: that would end the link
    reset = f"{user_pk_to_url_str(newcomer)}-{default_token_generator.make_token(newcomer)}"
    unsubscribe = unsubscribe_token(attendee.pk, optional_kinds()[0].name)
    offer = OrganiserOffer.objects.get(email="attendee@example.org")
    listed = [
        Page("confirm-email", reverse("account_confirm_email", args=[unverified.key])),
        Page("confirm-email-stale", reverse("account_confirm_email", args=["an-old-key"])),
        Page("password-reset-sent", reverse("account_reset_password_done")),
        Page("password-reset-from-key", f"/accounts/password/reset/key/{reset}/"),
        Page("password-reset-stale", "/accounts/password/reset/key/0-an-old-key/"),
        Page("unsubscribe", reverse("notifications:unsubscribe", args=[unsubscribe])),
        Page("organiser-offer", reverse("events:offer", args=[offer.pk]), "attendee"),
        Page("sign-out", reverse("account_logout"), "attendee"),
        Page("reauthenticate", reverse("account_reauthenticate"), "attendee"),
        Page("second-step", reverse("mfa_authenticate"), "halfway"),
        Page("second-factors-on", reverse("mfa_index"), "guarded"),
        Page("totp-activate", reverse("mfa_activate_totp"), "promoted"),
        Page("totp-deactivate", reverse("mfa_deactivate_totp"), "guarded"),
        Page("recovery-codes", reverse("mfa_view_recovery_codes"), "guarded"),
        Page("recovery-codes-generate", reverse("mfa_generate_recovery_codes"), "guarded"),
        Page("passkeys", reverse("mfa_list_webauthn"), "guarded"),
        Page("passkey-add", reverse("mfa_add_webauthn"), "promoted"),
        Page("forbidden", reverse("admin:index"), "attendee"),
    ]
    return listed + [Page(f"error-{code}", f"/{code}/", template=f"{code}.html") for code in ERRORS]


def pages() -> list[Page]:
    """Every page, with an address that shows it at its fullest."""
    from django.db.models import F  # noqa: PLC0415
    from django.urls import reverse  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415
    from events.models import Event  # noqa: PLC0415
    from notifications.models import OutgoingEmail  # noqa: PLC0415
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
    parked = OutgoingEmail.objects.get(key="parked")
    held = Ticket.objects.held_by(attendee)
    void = held.filter(event__status=Event.Status.CANCELLED).first()
    given_back = held.filter(status=Ticket.Status.CANCELLED, event__in=upcoming).first()
    over = held.valid().filter(event__in=Event.objects.published().past(now)).first()
    busy = managed.published().order_by("-starts_at").first()
    past = managed.published().past(now).first()

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
        Page("calendar-busy", at("events:month", busy.starts_on.year, busy.starts_on.month)),
        Page("event", at("events:detail", plenty.slug), "attendee"),
        Page("event-visitor", at("events:detail", plenty.slug)),
        Page("event-ticket-held", at("events:detail", ticket.event.slug), "attendee"),
        Page("event-full", at("events:detail", full.slug), "attendee"),
        Page("event-last-spaces", at("events:detail", few.first().slug), "attendee"),
        Page("event-cancelled", at("events:detail", cancelled.slug)),
        Page("event-managed", at("events:detail", running.slug), "organiser"),
        Page("ticket", at("tickets:detail", ticket.pk), "attendee"),
        Page("ticket-print", at("tickets:detail", ticket.pk), "attendee", media="print"),
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
        Page("api-docs", "/api/v1/docs"),
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
        Page("admin-tickets", admin("tickets_ticket_changelist"), "organiser"),
        *[
            Page(f"admin-event-{name}", admin(f"events_event_{name}", event.pk), "organiser")
            for name, event in [
                ("messages", running),
                ("organisers", running),
                ("cancel", running),
                ("delete", draft),
                ("archive", past),
                ("history", running),
            ]
        ],
        Page("admin-index-promoted", admin("index"), "promoted"),
        Page("admin-events-promoted", admin("events_event_changelist"), "promoted"),
        Page("admin-staff-index", admin("index"), "staff"),
        Page("admin-people", admin("accounts_user_changelist"), "staff"),
        Page("admin-person", admin("accounts_user_change", attendee.pk), "staff"),
        Page("admin-categories", admin("events_category_changelist"), "staff"),
        Page("admin-category-add", admin("events_category_add"), "staff"),
        Page("admin-mails", admin("notifications_outgoingemail_changelist"), "staff"),
        Page("admin-mail-parked", admin("notifications_outgoingemail_change", parked.pk), "staff"),
    ]
    for name, shown in [("void", void), ("cancelled", given_back), ("past", over)]:
        if shown is not None:
            listed.append(Page(f"ticket-{name}", at("tickets:detail", shown.pk), "attendee"))
    return listed + account_pages()


def sign_in(page, address: str, role: str) -> None:
    from evento.demo.people import PASSWORD  # noqa: PLC0415

    page.goto(f"{address}/accounts/login/")
    page.fill("input[name=login]", f"{role}@example.org")
    page.fill("input[name=password]", PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "login" not in url)
    if role == "guarded":
        page.fill("input[name=code]", _recovery_code(role))
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url(lambda url: "2fa" not in url)
        _give_passkey(role)
    if role in {"guarded", "promoted"}:  # their pages are about the second step
        page.goto(f"{address}/accounts/reauthenticate/?next=/")
        page.fill("input[name=password]", PASSWORD)
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url(f"{address}/")


def _recovery_code(role: str) -> str:
    from allauth.mfa.models import Authenticator  # noqa: PLC0415

    codes = Authenticator.objects.get(user__username=role, type="recovery_codes")
    return codes.wrap().get_unused_codes()[0]


def _give_passkey(role: str) -> None:
    """After signing in, because this one could not: it is there to be listed."""
    from allauth.mfa.models import Authenticator  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415

    person = User.objects.get(username=role)
    Authenticator.objects.create(user=person, type="webauthn", data={"name": "Laptop"})


def save(picture: bytes, path: Path) -> None:
    """As a PNG of at most 256 colours: a third of the size, and nobody sees the difference."""
    from PIL import Image  # noqa: PLC0415

    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.crop((0, 0, image.width, min(image.height, TALLEST)))
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def show(tab, address: str, page: Page) -> None:
    from django.template.loader import render_to_string  # noqa: PLC0415

    if page.template:
        body = render_to_string(page.template, ERRORS[page.template.removesuffix(".html")])
        tab.route(
            address + page.path, lambda route: route.fulfill(body=body, content_type="text/html")
        )
    tab.emulate_media(media=page.media)
    tab.goto(address + page.path, wait_until="networkidle")


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
                        show(tab, address, page)
                        save(
                            tab.screenshot(full_page=True),
                            TARGET / f"{page.name}-{size}-{scheme}.png",
                        )
                    context.close()
        browser.close()
    return complaints


def main() -> None:
    """`python -m tests.browser.screenshots [NAME ...]`: all pages, or the named ones."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, demo_site(Path(folder)) as address:
        prepare()
        wanted = pages()
        complaints = take(address, wanted, set(sys.argv[1:]))
    for complaint in sorted(set(complaints)):
        sys.stderr.write(f"console: {complaint}\n")
    sys.stdout.write(f"{len(wanted)} pages in {TARGET}\n")


if __name__ == "__main__":
    main()
