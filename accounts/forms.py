"""Forms of accounts."""

from django import forms


class OrganiserCodeForm(forms.Form):
    """What sign-up asks beyond allauth's own fields."""

    def signup(self, request, user) -> None:
        """Called by allauth once the account is saved."""
