"""Monitors: adapters of the domain's events.

- `logs` writes log lines.
- `state` keeps the current state and makes a `Snapshot` of it, which `health`, `web`, the gauges of `metrics` and the
  log line about each minute read. Most counters of `metrics`, and its histograms, count the events themselves.
- `response_times` is a histogram that `logs` and `state` share.
"""
