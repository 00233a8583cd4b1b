from importlib import import_module

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate


def create_cache_table(sender: AppConfig, using: str = DEFAULT_DB_ALIAS, **kwargs: object) -> None:
    """Make the table that limits are counted in, so that `migrate` alone sets a database up."""
    if "DatabaseCache" in settings.CACHES["default"]["BACKEND"]:
        call_command("createcachetable", database=using, verbosity=0)


class EventoConfig(AppConfig):
    name = "evento"

    def ready(self) -> None:
        import_module("evento.checks")
        if settings.SENTRY_DSN:
            import_module("evento.sentry").start(settings.SENTRY_DSN)
        import_module("evento.deployment_checks")
        # Django sends post_migrate only for apps with models, which `evento` has not.
        accounts = apps.get_app_config("accounts")
        post_migrate.connect(create_cache_table, sender=accounts, dispatch_uid="evento.cache_table")


class EventoAdminConfig(AdminConfig):
    default_site = "evento.admin.EventoAdminSite"
