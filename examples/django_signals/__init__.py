"""A Django app that publishes changes of its contacts."""
