"""Intercom's REST API, with urllib3; and a gateway that only logs."""
