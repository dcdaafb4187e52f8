"""Monitors: what is made of the domain's events."""
