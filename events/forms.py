"""Forms of an event's organisers. They clean what is entered; what is decided, the services decide."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evento.refusals import Refusal
from events.fields import CoverUploadField, DurationField, WallClockField, ZoneField
from events.local_time import instants_of
from events.models import Event
from events.querysets import start_frozen
from events.services.publishing import EDITABLE

START_FIELDS = ("starts_at", "start_fold", "time_zone")


class StartForm(forms.ModelForm):
    """The start of an event, entered on the clocks of its own zone; fixed once it is published."""

    starts_at = WallClockField(
        label=_("Start"),
        help_text=_(
            "On the clocks of the time zone below. Once the event is published, its date, time and "
            "time zone can never change."
        ),
    )
    start_fold = forms.TypedChoiceField(
        label=_("Which one"),
        required=False,
        coerce=int,
        empty_value=None,
        widget=forms.HiddenInput,
        choices=[(0, _("The first")), (1, _("The second"))],
    )
    time_zone = ZoneField(label=_("Time zone"), help_text=_("Where the event takes place."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.start_is_frozen:
            for name in START_FIELDS:
                self.fields.pop(name, None)
        elif not self.instance._state.adding:
            self._show_stored_start()

    @property
    def start_is_frozen(self) -> bool:
        return not self.instance._state.adding and not self.instance.is_draft

    @property
    def stored_wall(self) -> datetime:
        """The stored start as clocks show it, to the minute that the form asks for."""
        return self.instance.local_start.replace(tzinfo=None, second=0, microsecond=0, fold=0)

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.start_is_frozen:
            self._refuse_another_start()
        else:
            self._settle_start()
        return self.cleaned_data

    def _get_validation_exclusions(self) -> set[str]:
        """Without a settled start, the error stands where it arose: the zone, or which of two."""
        unsettled = set() if "starts_at" in self.cleaned_data else {"starts_at"}
        return super()._get_validation_exclusions() | unsettled

    def _show_stored_start(self) -> None:
        self.initial["starts_at"] = self.stored_wall
        self.fields["time_zone"].keep(self.instance.time_zone)
        instants = instants_of(self.stored_wall, self.instance.zone)
        if len(instants) == 2:
            self.initial["start_fold"] = self.instance.local_start.fold
            self._ask_which(instants, self.instance.zone)

    def _settle_start(self) -> None:
        """Make the entered wall clock time one instant, or say why it is none (SPEC 2)."""
        wall: datetime | None = self.cleaned_data.pop("starts_at", None)
        if wall is None or "time_zone" not in self.cleaned_data:
            return
        zone = ZoneInfo(self.cleaned_data["time_zone"])
        instants = instants_of(wall, zone)
        if not instants:
            self.add_error("starts_at", _missing_hour())
        elif len(instants) == 1:
            self.cleaned_data["starts_at"] = instants[0]
        else:
            self._ask_which(instants, zone)
            fold = self.cleaned_data.get("start_fold")
            if fold is None:
                self.add_error("start_fold", _ambiguous_hour())
            else:
                self.cleaned_data["starts_at"] = instants[fold]

    def _ask_which(self, instants: list[datetime], zone: ZoneInfo) -> None:
        words = (gettext("The first"), gettext("The second"))
        field = self.fields["start_fold"]
        field.widget = forms.RadioSelect()
        field.choices = [
            (fold, f"{words[fold]} ({_with_offset(instant.astimezone(zone))})")
            for fold, instant in enumerate(instants)
        ]

    def _refuse_another_start(self) -> None:
        """A published form has no start to fill in: what arrives nevertheless must be the stored one."""
        if not self._is_posted_start_stored():
            raise forms.ValidationError(str(start_frozen()), code="start_frozen")

    def _is_posted_start_stored(self) -> bool:
        posted = {
            name: self.data[name]
            for name in ("starts_at", "starts_at_0", "starts_at_1", "time_zone")
            if name in self.data
        }
        if posted.get("time_zone", self.instance.time_zone) != self.instance.time_zone:
            return False
        if "starts_at" in posted and not self._is_stored(posted["starts_at"]):
            return False
        day = posted.get("starts_at_0", f"{self.stored_wall:%Y-%m-%d}")
        clock = posted.get("starts_at_1", f"{self.stored_wall:%H:%M}")
        try:
            wall = WallClockField().clean([day, clock])
        except forms.ValidationError:
            return False
        return wall.replace(second=0) == self.stored_wall

    def _is_stored(self, text: str) -> bool:
        try:
            start = parse_datetime(text)
        except ValueError:
            return False
        if start is None:
            return False
        if timezone.is_naive(start):
            return start.replace(second=0, microsecond=0) == self.stored_wall
        return start == self.instance.starts_at


class EventForm(StartForm):
    """Adds and changes an event.

    Buttons decide about publishing: a new event is published unless `_draft` is posted, a draft stays
    one unless `_publish` is. A service's `refusal` of the same data is shown beside its field.
    """

    refusal: Refusal | None = None
    REFUSED_FIELD = {"start_in_past": "starts_at", "capacity_below_taken": "capacity"}

    duration = DurationField(label=_("Duration"))
    cover = CoverUploadField(
        label=_("Cover picture"),
        required=False,
        help_text=_(
            "JPEG, PNG, WebP or GIF, up to 10 MB. Details hidden in the file, such as where a photo "
            "was taken, are removed. Without a picture, one is drawn."
        ),
    )

    class Meta:
        model = Event
        fields = sorted(EDITABLE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        capacity = self.fields.get("capacity")
        if capacity is not None:
            capacity.help_text = self._capacity_help()
        if not self.instance._state.adding:
            self._carry_what_was_shown()

    @property
    def publishes(self) -> bool:
        """Whether saving makes the event public."""
        if self.instance._state.adding:
            return "_draft" not in self.data
        return self.instance.is_draft and "_publish" in self.data

    @property
    def changes(self) -> dict[str, Any]:
        """The new values of the fields that this form changes, as `change_event` takes them."""
        names = set(self.changed_data)
        if names & set(START_FIELDS):
            names |= {"starts_at", "time_zone"}
        return {name: self.cleaned_data[name] for name in names & EDITABLE}

    def clean_capacity(self) -> int:
        """SPEC 2: never below the places taken. The service decides again, under the event's lock."""
        capacity: int = self.cleaned_data["capacity"]
        taken = self.instance.places_taken
        if "capacity" in self.changed_data and capacity < taken:
            raise forms.ValidationError(
                _("%(taken)d places are taken already, so the capacity cannot be lower than that."),
                code="capacity_below_taken",
                params={"taken": taken},
            )
        return capacity

    def clean(self) -> dict[str, Any]:
        super().clean()
        self._keep_what_was_not_touched()
        start = self.cleaned_data.get("starts_at")
        if self.refusal is not None:
            self._show_refusal(self.refusal)
        elif self.publishes and start and start <= timezone.now():
            self.add_error(
                "starts_at",
                forms.ValidationError(
                    _("This start is in the past. Choose a later one, then publish."),
                    code="start_in_past",
                ),
            )
        return self.cleaned_data

    def _carry_what_was_shown(self) -> None:
        """Two organisers may edit at once: what one of them did not touch must not undo the other.

        So the page carries the values that it showed. A request without them is compared with what
        is stored. A file is either chosen or not.
        """
        for name, field in self.fields.items():
            is_posted = self.add_initial_prefix(name) in self.data
            field.show_hidden_initial = name != "cover" and (is_posted or not self.is_bound)

    def _keep_what_was_not_touched(self) -> None:
        if self.instance._state.adding:
            return
        for name in self.cleaned_data.keys() - set(self.changed_data) - set(START_FIELDS):
            self.cleaned_data[name] = getattr(self.instance, name)

    def _show_refusal(self, refusal: Refusal) -> None:
        field = self.REFUSED_FIELD.get(refusal.code)
        error = forms.ValidationError(str(refusal), code=refusal.code)
        self.add_error(field if field in self.fields else None, error)

    def _capacity_help(self) -> str:
        text = gettext("How many people can come. You can raise it at any time.")
        taken = self.instance.places_taken
        if not taken:
            return text
        return f"{text} " + gettext(
            "%(taken)d places are taken, so it cannot go below that. Only organisers see these numbers."
        ) % {"taken": taken}


class CancelForm(forms.Form):
    """Why an event is cancelled, in the organisers' own words."""

    reason = forms.CharField(
        label=_("Reason (optional)"),
        required=False,
        max_length=Event._meta.get_field("cancellation_reason").max_length,
        widget=forms.Textarea({"rows": 4, "class": "vLargeTextField"}),
        help_text=_("Stands in the message to everybody and on the event’s page."),
    )


class OrganiserForm(forms.Form):
    """Whom to make an organiser."""

    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput({"class": "vTextField"})
    )


def _with_offset(moment: datetime) -> str:
    # By hand: Django prints no zone for a time that clocks show twice.
    offset = f"{moment:%z}"
    return f"{moment:%H:%M} {moment.tzname()}, UTC{offset[:3]}:{offset[3:5]}"


def _missing_hour() -> forms.ValidationError:
    return forms.ValidationError(
        _(
            "This time does not exist in that time zone: clocks go forward over it that night. "
            "Choose an earlier or a later time."
        ),
        code="start_missing",
    )


def _ambiguous_hour() -> forms.ValidationError:
    return forms.ValidationError(
        _("Clocks go back that night, so this time comes twice. Choose which one you mean."),
        code="start_ambiguous",
    )
