"""What people write on a ticket."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tickets.models import NOTE_LENGTH


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
            # Browsers send two characters for each line end, but count one.
            self.data = {"note": self.data.get("note", "").replace("\r\n", "\n")}
