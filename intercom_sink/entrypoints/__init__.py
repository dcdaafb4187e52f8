"""The entry points: settings from the environment, the composition root, the command line.

Modules, in reading order:
- `cli`, `parser`, `commands`: the command line; each command is a module of its own
- `settings`, `setting_types`, `variables`, `variable_names`: the variables, how they are validated, what they mean, and
  which are most likely typos
- `bootstrap`, `tracing`: build the sink
- `run_log`, `introspection`, `endpoints`: what `run` adds to it
- `checks`, `dead_letters`: the work of the commands `check` and `dead-letters`
- `signals`, `output`, `progress`, `json_lines`: what several commands use
"""
