"""What people write on a ticket."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tickets.models import MESSAGE_LENGTH, NOTE_LENGTH, SUBJECT_LENGTH


class NoteForm(forms.Form):
    """The optional note to the organisers (SPEC 3)."""

    note = forms.CharField(
        label=_("Note to the organisers"),
        required=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Access needs, say. Only you and the organisers see it."),
        error_messages={
            "max_length": _(
                "A note can have up to %(limit_value)d characters; this has %(show_value)d."
            )
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:
            self.data = {"note": _as_counted(self.data.get("note", ""))}


class MessageForm(forms.Form):
    """What an organiser writes to everybody with a ticket (SPEC 5)."""

    subject = forms.CharField(
        label=_("Subject"),
        max_length=SUBJECT_LENGTH,
        widget=forms.TextInput({"class": "vTextField"}),
    )
    text = forms.CharField(
        label=_("Message"),
        max_length=MESSAGE_LENGTH,
        widget=forms.Textarea({"rows": 8, "class": "vLargeTextField"}),
        help_text=_("Plain text. The event and the way to their ticket are added to the e-mail."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:
            self.data = dict(self.data.items()) | {"text": _as_counted(self.data.get("text", ""))}


def _as_counted(text: str) -> str:
    """Browsers send two characters for each line end, but count one."""
    return text.replace("\r\n", "\n")
