"""Monitors: what is made of the domain's events.

- Log lines: `log_lines` is the table from each event to its line; `log_format` writes lines; `repeated_lines`
  counts identical failures; `progress_log` (with `response_times`) and `recovery_log` add lines of their own.
- The current state: `status` keeps it, with `unsettled`, `pauses`, `minutes`, `failures` and `broker_connection`, and
  makes a `snapshot` of it. All that follows reads that.
- Metrics: `metrics` counts for Prometheus; `error_codes` is the closed list for its labels.
- Health: `health` judges a snapshot; `health_socket` tells `intercom-sink healthy`.
- The page for people: `page`, with `charts`; `http_server` serves it, metrics and probes.
"""
