"""From an outbox row to a message on the wire."""

import email
from collections.abc import Sequence
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.message import MIMEMixin, SafeMIMEMultipart
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from notifications import kinds
from notifications.models import OutgoingEmail

HTML = "text/html"
UNSUBSCRIBE_SALT = "notifications.unsubscribe"


class StoredMessage(MIMEMixin, Message):
    """A parsed message that can be written with any line ending, as Django's transports ask."""


class StoredEmail(EmailMessage):
    """A mail that was rendered before; it goes out as it was written."""

    def __init__(self, raw: bytes, *, address: str) -> None:
        self._stored = email.message_from_bytes(raw, _class=StoredMessage)
        super().__init__(
            subject=str(self._stored["Subject"]), from_email=str(self._stored["From"]), to=[address]
        )

    def message(self) -> Message:
        return self._stored


class NoticeEmail(EmailMultiAlternatives):
    """Text and HTML, the HTML with its pictures inside the mail (multipart/related)."""

    def __init__(self, *args: Any, images: Sequence[kinds.InlineImage] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.images = images

    def _create_mime_attachment(self, content: Any, mimetype: str) -> MIMEBase:
        part = super()._create_mime_attachment(content, mimetype)
        if mimetype != HTML or not self.images:
            return part
        related = SafeMIMEMultipart(_subtype="related", encoding=self.encoding)
        related.attach(part)
        for image in self.images:
            related.attach(_inline(image))
        return related


def compose(mail: OutgoingEmail) -> EmailMessage | None:
    """The message of an outbox row, from what is stored now; None when its cause is gone.

    Raises KeyError for a kind that the code no longer knows.
    """
    if mail.message:
        return StoredEmail(bytes(mail.message), address=mail.address)
    kind = kinds.get(mail.kind)
    if mail.recipient is not None and not _still_wants(mail.recipient, kind):
        return None
    with translation.override(settings.LANGUAGE_CODE):
        letter = kind.letter(mail)
        return None if letter is None else _write(mail, kind, letter)


def absolute(path: str) -> str:
    """A link for a mail: always built from SITE_URL, never from a request."""
    return f"{settings.SITE_URL}{path}"


def unsubscribe_token(user_id: Any, kind: str) -> str:
    """What the link in a mail of an optional kind carries: whom and which, signed, nothing secret."""
    return signing.dumps([str(user_id), kind], salt=UNSUBSCRIBE_SALT, compress=True)


def read_unsubscribe_token(token: str) -> tuple[str, str]:
    """Whom and which kind a link means. Raises signing.BadSignature."""
    user_id, kind = signing.loads(token, salt=UNSUBSCRIBE_SALT)
    return user_id, kind


def _still_wants(person: User, kind: kinds.Kind) -> bool:
    """Whether the account is open and has not switched this kind off since the mail was written."""
    if not person.is_active:
        return False
    return not (kind.optional and person.email_opt_outs.filter(kind=kind.name).exists())


def _write(mail: OutgoingEmail, kind: kinds.Kind, letter: kinds.Letter) -> EmailMessage:
    person = mail.recipient
    unsubscribe = ""
    if kind.optional and person is not None:
        token = unsubscribe_token(person.pk, kind.name)
        unsubscribe = absolute(reverse("notifications:unsubscribe", args=[token]))
    context = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "recipient": person,
        "kind": kind,
        "unsubscribe_url": unsubscribe,
        **letter.context,
    }
    message = NoticeEmail(
        subject=_one_line(_text(f"{kind.template}_subject.txt", context)),
        body=_text(f"{kind.template}_message.txt", context).strip() + "\n",
        to=[mail.address if person is None else person.email],
        headers=_headers(mail, unsubscribe),
        images=letter.images,
    )
    message.attach_alternative(render_to_string(f"{kind.template}_message.html", context), HTML)
    if letter.calendar is not None:
        _attach_calendar(message, letter.calendar)
    return message


def _headers(mail: OutgoingEmail, unsubscribe: str) -> dict[str, str]:
    headers = {
        # The same at each attempt, so that a mail repeated after a crash is known as the same one.
        "Message-ID": f"<{mail.pk}@{_domain()}>",
        "Auto-Submitted": "auto-generated",
    }
    if unsubscribe:
        headers["List-Unsubscribe"] = f"<{unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _attach_calendar(message: EmailMultiAlternatives, calendar: kinds.Calendar) -> None:
    content = calendar.content.decode()
    mimetype = f"text/calendar; method={calendar.method}"
    message.attach_alternative(content, mimetype)
    message.attach("invite.ics", content, mimetype)


def _inline(image: kinds.InlineImage) -> MIMEImage:
    part = MIMEImage(image.content, "png")
    part.add_header("Content-ID", f"<{image.name}>")
    part.add_header("Content-Disposition", "inline", filename=f"{image.name}.png")
    return part


def _text(template: str, context: dict[str, Any]) -> str:
    """A plain-text template: what it shows is data all the same, but no HTML to escape for."""
    found = Engine.get_default().get_template(template)
    return found.render(Context(context, autoescape=False))


def _one_line(text: str) -> str:
    """A subject: organisers' words may hold line breaks, a header may not."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _domain() -> str:
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return address.partition("@")[2] or urlsplit(settings.SITE_URL).hostname or "localhost"
