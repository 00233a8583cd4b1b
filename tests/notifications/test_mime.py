"""The parts of a mail say what Django's would."""

import email
from email import policy

import pytest
from django.core.mail import BadHeaderError, EmailMultiAlternatives
from django.core.mail.message import MIMEMixin, SafeMIMEText

from notifications.kinds import InlineImage
from notifications.mail import NoticeEmail
from notifications.mime import Part, multipart, text_part

TEXTS = [
    "Hello\n",
    "",
    "no line break at the end",
    "\nStraße – 猫 🦉\n\n",
    "From here\n.\n..two\n--\n--=_boundary\n",
    "one\r\ntwo\rthree\n",
    "x" * 998 + "\n",
    "x" * 999 + "\n",
    "é" * 600 + " = \t\n.\nFrom\n",
    "a\u2028" * 400,
]


def arrived(part, linesep="\r\n"):
    """What a mail program finds in the bytes of a mail."""
    message = email.message_from_bytes(part.as_bytes(linesep=linesep), policy=policy.default)
    assert all(not it.defects for it in message.walk())
    return message


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("linesep", ["\n", "\r\n"])
def test_text_arrives_as_by_django(text, linesep):
    ours = arrived(text_part(text, "text/plain"), linesep)

    theirs = arrived(SafeMIMEText(text, "plain", "utf-8"), linesep)
    assert ours.get_content() == theirs.get_content()
    assert (ours.get_content_type(), ours.get_content_charset()) == ("text/plain", "utf-8")


@pytest.mark.parametrize("text", TEXTS)
def test_no_line_is_too_long_for_mail(text):
    assert all(len(line) <= 998 for line in text_part(text, "text/html").as_bytes().split(b"\n"))


def test_text_of_many_lines_is_not_encoded():
    assert text_part("a\nb\n" * 999, "text/plain")["Content-Transfer-Encoding"] == "7bit"
    assert text_part("ä\nb\n" * 999, "text/plain")["Content-Transfer-Encoding"] == "8bit"


@pytest.mark.parametrize("value", ["a\nBcc: x@y.example", "a\r\n b", "a\rb"])
def test_header_of_two_lines_is_refused(value):
    part = Part("text/plain")

    with pytest.raises(BadHeaderError):
        part["Subject"] = value


@pytest.mark.parametrize(
    "subject",
    [
        "Owls",
        "Bats & owls – Nachtführung " * 6,
        "word " * 40,
        "x" * 200,
        "=?utf-8?q?=41?=",
        "a\tb",
        "",
    ],
)
def test_headers_are_written_as_django_writes_them(subject):
    to, headers = ['"Zoë, \\"Z\\"" <z@example.org>'], {"Message-ID": f"<{'m' * 90}@x.example>"}
    ours, theirs = (
        kind(subject, "Hello", "Evento – Łódź <e@example.org>", to, headers=headers).message()
        for kind in (NoticeEmail, EmailMultiAlternatives)
    )

    for name in ("Subject", "From", "To", "Message-ID", "MIME-Version"):
        assert header_lines(ours, name) == header_lines(theirs, name) != []
    assert arrived(ours)["Date"].datetime


def header_lines(message, name):
    head = message.as_bytes(linesep="\r\n").partition(b"\r\n\r\n")[0]
    unfolded = head.replace(b"\r\n ", b"\n ").replace(b"\r\n\t", b"\n\t")
    return [it for it in unfolded.split(b"\r\n") if it.startswith(name.encode() + b":")]


def test_whole_mail_is_what_django_makes_of_it():
    def mail(kind):
        message = kind("Hello", "Text\n", "e@example.org", ["z@example.org"])
        message.attach_alternative("<p>HTML – é</p>\n", "text/html")
        message.attach_alternative("BEGIN:VCALENDAR\r\n", "text/calendar; method=REQUEST")
        message.attach("invite.ics", "BEGIN:VCALENDAR\r\n", "text/calendar; method=REQUEST")
        return arrived(message.message())

    ours, theirs = (
        [facts(part) for part in mail(kind).walk()]
        for kind in (NoticeEmail, EmailMultiAlternatives)
    )

    assert len(ours) == 6
    assert ours == theirs


def facts(part):
    content = None if part.is_multipart() else part.get_content()
    return (
        part.get_content_type(),
        part.get_param("method"),
        part.get_content_disposition(),
        part.get_filename(),
        part["Content-Transfer-Encoding"],
        content,
    )


def test_mail_without_alternatives_is_text_alone():
    message = arrived(
        NoticeEmail("Hello", "Text\n", "e@example.org", ["z@example.org"]).message(), "\n"
    )

    assert (message.get_content_type(), message.get_content()) == ("text/plain", "Text\n")


@pytest.mark.parametrize("text", ["Text\n", "x" * 999])
def test_version_is_said_once(text):
    notice = NoticeEmail("Hello", text, "e@example.org", ["z@example.org"])
    plain = notice.message().as_bytes()
    notice.attach_alternative(text, "text/html")

    for raw in (plain, notice.message().as_bytes()):
        assert raw.count(b"MIME-Version: 1.0") == 1


def test_pictures_are_beside_the_html():
    picture = InlineImage("barcode", b"\x89PNG\r\n\x1a\n")
    notice = NoticeEmail("Hello", "Text\n", "e@example.org", ["z@example.org"], images=[picture])
    notice.attach_alternative('<img src="cid:barcode">\n', "text/html")

    related = arrived(notice.message(), "\n").get_payload()[1]

    html, image = related.get_payload()
    assert html.get_content() == '<img src="cid:barcode">\n'
    assert (image["Content-ID"], image.get_content()) == ("<barcode>", picture.content)


def test_parts_never_share_a_boundary():
    inner = multipart("alternative", [text_part("a", "text/plain")])
    outer = multipart("mixed", [inner])

    assert inner.get_boundary() != outer.get_boundary()
    assert len(inner.get_boundary()) >= 24


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("linesep", ["\n", "\r\n"])
def test_mail_is_written_as_the_email_package_writes_it(text, linesep):
    picture = InlineImage("barcode", b"\x89PNG\r\n\x1a\n" * 40)
    notice = NoticeEmail("Zoë " * 40, text, "e@example.org", ["z@example.org"], images=[picture])
    notice.attach_alternative(f"<img>{text}", "text/html")
    notice.attach("invite.ics", text, "text/calendar; method=REQUEST")
    message = notice.message()

    assert message.as_bytes(linesep=linesep) == MIMEMixin.as_bytes(message, linesep=linesep)


@pytest.mark.parametrize("subtype", ["mixed", "alternative", "related"])
def test_boundary_fits_into_one_line_with_its_header(subtype):
    head = multipart(subtype, []).as_bytes().partition(b"\n\n")[0]

    assert b"\n" not in head
    assert len(head) <= 78
