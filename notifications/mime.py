"""The parts of a mail, from headers that are ready to be written, written at once.

Django's parts parse their headers again to add to them and fold each when it is written, boundaries are
looked for by a new pattern each time, and each line is written by itself: half of what a mail cost.
"""

import base64
import functools
import secrets
from collections.abc import Iterator, Sequence
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
_POLICIES = {end: POLICY.clone(linesep=end) for end in ("\n", "\r\n")}


class Part(MIMEMixin, Message):  # type: ignore[misc] # as Django's own parts do
    """A part of a mail, or all of it. Setting a header to more than one line raises BadHeaderError."""

    def __init__(self, content_type: str, boundary: str = "") -> None:
        super().__init__(policy=POLICY)
        self._boundary = boundary.encode()
        self["Content-Type"] = (
            f'{content_type}; boundary="{boundary}"' if boundary else content_type
        )

    def __setitem__(self, name: str, value: str) -> None:
        if name == "Subject":  # of many mails the same
            value = _encoded_subject(value)
        elif not (value.isascii() and value.isprintable()):
            name, value = forbid_multi_line_headers(name, value, "utf-8")
        self.set_raw(name, value)

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\n") -> bytes:  # type: ignore[override]
        """What the email package makes of it. All its parts are ours; `unixfrom` is not asked for."""
        return b"".join(self.written(_POLICIES[linesep], linesep.encode()))

    def written(self, policy: Compat32, end: bytes) -> Iterator[bytes]:
        """The same, piece by piece."""
        for name, value in self.raw_items():
            yield policy.fold_binary(name, value)
        yield end
        if not self._boundary:
            # As it was set: get_payload would decode it.
            content = self._payload.encode("ascii", "surrogateescape")  # type: ignore[attr-defined]
            yield content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", end)
            return
        parts: Any = self.get_payload()
        for part in parts:
            yield b"--" + self._boundary + end
            yield from part.written(policy, end)
            yield end
        yield b"--" + self._boundary + b"--" + end


@functools.lru_cache(maxsize=100)
def _encoded_subject(value: str) -> str:
    return forbid_multi_line_headers("Subject", value, "utf-8")[1]


def text_part(content: str, mimetype: str) -> Part:
    """Text in UTF-8 as it is; quoted-printable when a line of it is too long for mail."""
    part = Part(f'{mimetype}; charset="utf-8"')
    raw = content.encode()
    if max(map(len, raw.splitlines()), default=0) > RFC5322_EMAIL_LINE_LENGTH_LIMIT:
        part.set_payload(content, utf8_charset_qp)
        del part["MIME-Version"]  # the mail says it once
    else:
        part["Content-Transfer-Encoding"] = "7bit" if raw.isascii() else "8bit"
        # This is how the email package keeps bytes that it is to write unchanged.
        part.set_payload(raw.decode("ascii", "surrogateescape"))
    return part


def picture_part(content: bytes, mimetype: str) -> Part:
    """A picture in base64."""
    part = Part(mimetype)
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(base64.encodebytes(content).decode("ascii"))
    return part


def multipart(subtype: str, parts: Sequence[Part]) -> Part:
    """Several parts in one. No text can guess its boundary, which is short enough for its header's line."""
    part = Part(f"multipart/{subtype}", boundary=f"=_{secrets.token_urlsafe(18)}")
    part.set_payload(list(parts))
    return part
