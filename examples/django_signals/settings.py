"""The smallest settings that this example needs."""

SECRET_KEY = "not a secret in an example"  # noqa: S105
INSTALLED_APPS = ["examples.django_signals.apps.ContactsConfig"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGGING_CONFIG = None
