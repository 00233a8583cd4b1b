"""Expressions for states that are read twice a second."""

from django.db.models import IntegerField, Subquery


class CountOf(Subquery):
    """How many rows of a query have `column`; unlike an aggregate, it reads no further than a slice.

    A column that may be NULL counts where it is not.
    """

    template = "(SELECT COUNT(%(column)s) FROM (%(subquery)s) counted)"
    output_field = IntegerField()
