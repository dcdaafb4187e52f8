"""Log lines.

- `lines` is the table from each event to its line; `formats` writes lines as text, JSON or ECS.
- `repeats` counts identical failures in a row.
- `progress` writes a line each minute, and `recovery` one when something works again.
"""
