"""Form fields for what an event is made of: wall clock time, zone, length, picture."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminFileWidget
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.template.loader import render_to_string
from django.utils.dateparse import parse_duration
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import time_zone_names
from events.covers import ACCEPTED, clean_cover

# A year outside is a slip of the finger, and far enough from where arithmetic with dates ends.
FIRST_YEAR, LAST_YEAR = 1970, 2199

Choices = list[tuple[str, Any]]


class ProjectTemplate:
    """Renders a widget by a template that lies with the project's others."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        return render_to_string(self.template_name, self.get_context(name, value, attrs))


class HiddenPartsWidget(forms.HiddenInput):
    """What a field in two parts showed first: one input, because Django carries no two over an error."""

    parts: type[Any]

    def format_value(self, value: Any) -> str:
        shown = value if isinstance(value, list) else self.parts().decompress(value)
        return " ".join("" if part is None else str(part) for part in shown)

    def value_from_datadict(
        self, data: Mapping[str, Any], files: Mapping[str, Any], name: str
    ) -> list[str]:
        first, _space, second = data.get(name, "").partition(" ")
        return [first, second]


class WallClockWidget(ProjectTemplate, forms.MultiWidget):
    """A date and a time of day, each in the browser's own control."""

    template_name = "admin/widgets/wall_clock.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        parts = (
            forms.DateInput({"type": "date", "class": "vDateField"}, format="%Y-%m-%d"),
            forms.TimeInput({"type": "time", "class": "vTimeField"}, format="%H:%M"),
        )
        super().__init__(parts, attrs)

    def decompress(self, value: datetime | None) -> list[Any]:
        return [value.date(), value.time()] if value else [None, None]


class HiddenWallClockWidget(HiddenPartsWidget):
    parts = WallClockWidget


class WallClockField(forms.MultiValueField):
    """A date and time as clocks show it: naive, because the zone is asked beside it."""

    widget = WallClockWidget
    hidden_widget = HiddenWallClockWidget
    default_error_messages = {
        "year": _("Choose a year between %(first)d and %(last)d."),
        "incomplete": _("Enter the date and the time."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__((forms.DateField(), forms.TimeField()), **kwargs)

    def compress(self, data_list: list[Any]) -> datetime | None:
        if not data_list:
            return None
        day: date | None = data_list[0]
        clock: time | None = data_list[1]
        if day is None or clock is None:
            raise forms.ValidationError(self.error_messages["incomplete"], code="incomplete")
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise forms.ValidationError(
                self.error_messages["year"],
                code="year",
                params={"first": FIRST_YEAR, "last": LAST_YEAR},
            )
        return datetime.combine(day, clock)


class DurationWidget(ProjectTemplate, forms.MultiWidget):
    """Hours and minutes."""

    template_name = "admin/widgets/duration.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        parts = (
            forms.NumberInput({"min": 0, "inputmode": "numeric", "class": "vDurationField"}),
            forms.NumberInput(
                {"min": 0, "max": 59, "inputmode": "numeric", "class": "vDurationField"}
            ),
        )
        super().__init__(parts, attrs)

    def decompress(self, value: timedelta | None) -> list[Any]:
        if value is None:
            return [None, None]
        minutes = int(value.total_seconds()) // 60
        return [minutes // 60, minutes % 60]

    def value_from_datadict(
        self, data: Mapping[str, Any], files: Mapping[str, Any], name: str
    ) -> list[Any]:
        """The two numbers; or one value such as "2:30:00", as Django's own field would post it."""
        parts = super().value_from_datadict(data, files, name)
        if parts == [None, None] and (length := _parsed(data.get(name) or "")):
            return self.decompress(length)
        return parts


class HiddenDurationWidget(HiddenPartsWidget):
    parts = DurationWidget


def _parsed(text: str) -> timedelta | None:
    try:
        return parse_duration(text)
    except OverflowError:
        return None


class DurationField(forms.MultiValueField):
    """How long something lasts, in hours and minutes; either may be left empty."""

    widget = DurationWidget
    hidden_widget = HiddenDurationWidget
    default_error_messages = {
        "nothing": _("An event lasts longer than nothing."),
    }

    def __init__(self, **kwargs: Any) -> None:
        fields = (
            forms.IntegerField(min_value=0, max_value=10_000, required=False),
            forms.IntegerField(min_value=0, max_value=59, required=False),
        )
        super().__init__(fields, require_all_fields=False, **kwargs)

    def compress(self, data_list: list[Any]) -> timedelta | None:
        if not data_list:
            return None
        length = timedelta(hours=data_list[0] or 0, minutes=data_list[1] or 0)
        if not length:
            raise forms.ValidationError(self.error_messages["nothing"], code="nothing")
        return length


def zone_choices() -> Choices:
    """The IANA zones that are named after a place, grouped by continent, and UTC."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(time_zone_names()):
        area, slash, place = name.partition("/")
        if slash and area not in {"Etc", "SystemV", "US", "posix", "right"}:
            groups.setdefault(area, []).append((name, place.replace("_", " ").replace("/", " – ")))
    return [("UTC", "UTC"), *groups.items()]


class ZoneField(forms.ChoiceField):
    """An IANA time zone; `keep` makes sure that a stored one stays among the choices."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=zone_choices, **kwargs)

    def keep(self, name: str) -> None:
        if not self.valid_value(name):
            self.choices = [(name, name), *zone_choices()]


class CoverWidget(ProjectTemplate, AdminFileWidget):
    """The stored picture, seen, with a box to remove it; and a file to choose."""

    template_name = "admin/widgets/cover.html"
    clear_checkbox_label = _("Remove this picture")


def cover_of(upload: File) -> ContentFile:
    """As `clean_cover`; asked again for the same upload, it answers the same without the work."""
    if not hasattr(upload, "cover"):
        try:
            upload.cover = clean_cover(upload)
        except ValidationError as error:
            upload.cover = error
    if isinstance(upload.cover, ValidationError):
        raise upload.cover
    return upload.cover


class CoverUploadField(forms.FileField):
    """A picture to upload, which comes out checked and re-encoded (events.covers)."""

    widget = CoverWidget

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        accepted = ",".join(f"image/{kind.lower()}" for kind in ACCEPTED)
        return super().widget_attrs(widget) | {"accept": accepted}

    def clean(self, data: Any, initial: Any = None) -> Any:
        """The picture, ready to be stored; "" to remove the stored one; `initial` for no change."""
        value = super().clean(data, initial)
        if value is False:
            return ""
        return cover_of(value) if isinstance(value, File) and data else value
