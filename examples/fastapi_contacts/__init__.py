"""A FastAPI service that publishes changes of contacts."""
