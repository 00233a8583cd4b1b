"""My account, for programs: `/me`. Sign-up, sign-in and a new e-mail address are `accounts.headless`."""

from copy import copy
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib.auth import logout
from django.forms.models import model_to_dict
from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from accounts import services
from accounts.forms import ProfileForm
from accounts.forms.entrance import ReauthenticateForm
from accounts.models import User
from accounts.organiser_code import check_organiser_code
from evento.http.addresses import client_address
from evento.http.problem import Invalid
from evento.http.routing import Router, refuses
from evento.http.schemas import Input, Output, omittable
from evento.refusals import Refusal

router = Router(tags=["Me"])

# How long allauth's limit on wrong passwords lasts for one account.
PASSWORD_LIMIT_LASTS = timedelta(minutes=5)


class MeOutput(Output):
    """A person, as they see themselves."""

    id: UUID = Field(examples=["6f8f57a5-1d3c-4f5e-9a57-0f7f1a4a3f53"])
    username: str = Field(examples=["ada"])
    display_name: str = Field(
        description="Shown on tickets and to organisers; empty: the username.",
        examples=["Ada Lovelace"],
    )
    email: str = Field(description="The verified address.", examples=["ada@example.org"])
    time_zone: str = Field(description="IANA name.", examples=["Europe/London"])
    role: User.Role = Field(description="Organisers may create events.", examples=["attendee"])
    joined_at: datetime = Field(alias="date_joined", examples=["2026-11-21T19:30:00Z"])


class ProfileInput(Input):
    """What of the profile to change. What is left out stays."""

    display_name: str = omittable(max_length=100, examples=["Ada Lovelace"])
    username: str = omittable(
        min_length=1,
        max_length=150,
        pattern=r"^[\w.@+-]+$",
        description="Nobody else may have it, in whatever case.",
        examples=["ada"],
    )
    time_zone: str = omittable(max_length=64, description="IANA name.", examples=["Europe/London"])


class OrganiserCodeInput(Input):
    organiser_code: str = Field(min_length=1, max_length=64, examples=["Kw7_p2Zd"])


class DeletionInput(Input):
    password: str = Field(min_length=1, max_length=4096, examples=["analytical-engine-1843"])


@router.get("/me", response=MeOutput, summary="Get my profile")
def get_me(request: HttpRequest) -> User:
    """The person whose token or session this is."""
    return _me(request)


@router.patch(
    "/me", response=MeOutput, summary="Change my profile", openapi_extra=refuses("username_taken")
)
def change_me(request: HttpRequest, asked: ProfileInput) -> User:
    """Change display name, username or time zone. A new e-mail address: `POST /auth/app/v1/account/email`."""
    person, changes = _me(request), asked.model_dump(exclude_unset=True)
    unchanged = model_to_dict(person, services.PROFILE_FIELDS)
    form = ProfileForm(unchanged | changes, instance=copy(person))
    if not form.is_valid():
        raise Invalid.form(form)
    return services.change_profile(
        person, changes={name: form.cleaned_data[name] for name in changes}
    )


@router.post("/me/organiser-code", response=MeOutput, summary="Become an organiser")
def become_organiser(request: HttpRequest, asked: OrganiserCodeInput) -> User:
    """Enter the organiser code later than at sign-up.

    A wrong code is 422 `wrong_organiser_code`, too many of them 429. For an organiser nothing is checked.
    """
    person = _me(request)
    if person.is_organiser:
        return person
    check_organiser_code(asked.organiser_code, address=client_address(request))
    return services.grant_organiser_class(person)


@router.get("/me/export", response=dict[str, Any], summary="Export my data")
def export_me(request: HttpRequest) -> dict[str, Any]:
    """Everything that is kept about me, by section."""
    return services.export_personal_data(_me(request))


@router.delete(
    "/me",
    response={204: None},
    summary="Delete my account",
    openapi_extra=refuses("only_organiser"),
)
def delete_me(request: HttpRequest, asked: DeletionInput) -> Status:
    """Delete the account, for good; the password makes sure that it is you.

    Tickets of future events are given back. Refused for the only organiser of an upcoming event. Wrong
    passwords count against the limits of sign-in.
    """
    person = _me(request)
    _confirm_password(person, asked.password)
    services.close_account(person)
    logout(request)
    return Status(204, None)


def _me(request: HttpRequest) -> User:
    return cast("User", request.user)


def _confirm_password(person: User, password: str) -> None:
    """Raise Invalid for a wrong password, Refusal `too_many_login_attempts` (429) after too many."""
    form = ReauthenticateForm({"password": password}, user=person)
    if form.is_valid():
        return
    for error in form.errors.as_data().get("password", []):
        if error.code == "too_many_login_attempts":
            raise Refusal(
                error.code, error.messages[0], status=429, retry_after=PASSWORD_LIMIT_LASTS
            )
    raise Invalid.form(form)
