"""The app's own copy of Intercom's contacts."""

from django.db import models


class Contact(models.Model):  # type: ignore[misc]
    """A contact that Intercom has. It is created here by an import, and changed by users."""

    intercom_id = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=200)
    email = models.EmailField()
