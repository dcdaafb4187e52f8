"""The current state of the sink.

- `monitor` follows the events; `snapshot` is the value that it makes.
- `unsettled`, `pauses`, `connection`, `minutes` and `failures` are its parts.
"""
