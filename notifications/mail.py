"""From an outbox row to a message on the wire."""

import email
import functools
from collections.abc import Sequence
from email.message import Message
from email.utils import formatdate, parseaddr
from itertools import starmap
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.message import MIMEMixin
from django.urls import reverse
from django.utils import translation

from notifications import frames, kinds
from notifications.mime import Part, multipart, picture_part, text_part
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

    def message(self) -> Message:
        """What Django would make of it, of parts that are written faster."""
        root = self._content()
        headers = {"From": self.from_email, "To": ", ".join(self.to), "Date": formatdate()}
        for name, value in ({"Subject": self.subject} | headers | self.extra_headers).items():
            root[name] = value
        root["MIME-Version"] = "1.0"
        return root

    def _content(self) -> Part:
        content = text_part(self.body, "text/plain")
        if self.alternatives:
            offered = [self._alternative(*alternative) for alternative in self.alternatives]
            content = multipart("alternative", [content, *offered])
        if self.attachments:
            content = multipart("mixed", [content, *starmap(_attachment, self.attachments)])
        return content

    def _alternative(self, content: str, mimetype: str) -> Part:
        part = text_part(content, mimetype)
        if mimetype != HTML or not self.images:
            return part
        return multipart("related", [part, *map(_inline, self.images)])


def stored(mail: OutgoingEmail) -> EmailMessage:
    """The message of an outbox row that was rendered before it was queued."""
    return StoredEmail(bytes(mail.message), address=mail.address)


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


def compose(mail: OutgoingEmail, letter: kinds.Letter) -> EmailMessage:
    """The message of an outbox row with this letter."""
    kind, person = kinds.get(mail.kind), mail.recipient
    unsubscribe = ""
    if kind.optional and person is not None:
        token = unsubscribe_token(person.pk, kind.name)
        unsubscribe = absolute(reverse("notifications:unsubscribe", args=[token]))
    own = {**letter.own, "unsubscribe_url": unsubscribe}
    if person is not None:
        own["recipient.name"] = person.name
    with translation.override(settings.LANGUAGE_CODE):
        words = frames.words(kind.template, letter, own)
    message = NoticeEmail(
        subject=words.subject,
        body=words.text,
        to=[mail.address if person is None else person.email],
        headers=_headers(mail, unsubscribe),
        images=letter.images,
    )
    message.attach_alternative(words.html, HTML)
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


def _attachment(filename: str, content: str, mimetype: str) -> Part:
    part = text_part(content, mimetype)
    part.add_header("Content-Disposition", "attachment", filename=filename)
    return part


def _inline(image: kinds.InlineImage) -> Part:
    part = picture_part(image.content, "image/png")
    part.add_header("Content-ID", f"<{image.name}>")
    part.add_header("Content-Disposition", "inline", filename=f"{image.name}.png")
    return part


def site_address() -> str:
    """The address alone that mails come from."""
    return _bare(settings.DEFAULT_FROM_EMAIL)


@functools.lru_cache(maxsize=10)
def _bare(sender: str) -> str:
    _name, address = parseaddr(sender)
    return address


def _domain() -> str:
    return site_address().partition("@")[2] or urlsplit(settings.SITE_URL).hostname or "localhost"
