"""Connects the signal."""

from django.apps import AppConfig
from django.db.models.signals import post_save


class ContactsConfig(AppConfig):  # type: ignore[misc]
    """The app."""

    name = "examples.django_signals"
    label = "contacts"

    def ready(self) -> None:
        """Runs once, when the models are there."""
        from examples.django_signals.signals import publish_change

        post_save.connect(publish_change, sender=self.get_model("Contact"), dispatch_uid="publish_change")
