"""The parts of a mail, from headers that are ready to be written.

Django's parts parse their headers again to add to them and fold each when it is written, and boundaries are
looked for by a new pattern each time: a third of what a mail cost.
"""

import secrets
from collections.abc import Sequence
from email.message import Message
from email.policy import Compat32
from typing import Any

from django.core.mail.message import (
    RFC5322_EMAIL_LINE_LENGTH_LIMIT,
    MIMEMixin,
    forbid_multi_line_headers,
    utf8_charset_qp,
)


class AsTheyStand(Compat32):
    """Writes headers that fit in a line as they stand; longer ones are folded as ever."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        line = f"{name}: {value}"
        is_short = len(line) <= (self.max_line_length or 0)
        if is_short and line.isascii() and line.isprintable():
            return f"{line}{self.linesep}".encode()
        return super().fold_binary(name, value)


POLICY = AsTheyStand()


class Part(MIMEMixin, Message):  # type: ignore[misc] # as Django's own parts do
    """A part of a mail, or all of it. Setting a header to more than one line raises BadHeaderError."""

    def __init__(self, content_type: str) -> None:
        super().__init__(policy=POLICY)
        self["Content-Type"] = content_type

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(*forbid_multi_line_headers(name, value, "utf-8"))


def text_part(content: str, mimetype: str) -> Part:
    """Text in UTF-8 as it is; quoted-printable when a line of it is too long for mail."""
    part = Part(f'{mimetype}; charset="utf-8"')
    raw = content.encode()
    if any(len(line) > RFC5322_EMAIL_LINE_LENGTH_LIMIT for line in raw.splitlines()):
        part.set_payload(content, utf8_charset_qp)
        del part["MIME-Version"]  # the mail says it once
    else:
        part["Content-Transfer-Encoding"] = "7bit" if raw.isascii() else "8bit"
        # This is how the email package keeps bytes that it is to write unchanged.
        part.set_payload(raw.decode("ascii", "surrogateescape"))
    return part


def multipart(subtype: str, parts: Sequence[Message]) -> Part:
    """Several parts in one. No text can guess its boundary."""
    part = Part(f'multipart/{subtype}; boundary="=_{secrets.token_hex(16)}"')
    part.set_payload(list(parts))
    return part
