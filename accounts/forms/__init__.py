"""Forms of accounts. Forms that build on allauth's are in `entrance` and `second_factor`.

Those two are not re-exported: allauth reads `OrganiserCodeForm` from here while it defines its own forms.
"""

from accounts.forms.organiser_code import BecomeOrganiserForm, OrganiserCodeForm
from accounts.forms.profile import ProfileForm

__all__ = ["BecomeOrganiserForm", "OrganiserCodeForm", "ProfileForm"]
