"""Where allauth asks us."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter


class AccountAdapter(DefaultAccountAdapter):
    """Evento's answers to allauth's account questions."""


class MFAAdapter(DefaultMFAAdapter):
    """Evento's answers to allauth's second-factor questions."""
