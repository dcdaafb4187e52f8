"""The sink at work, for someone who sees it for the first time."""
