"""The entry points: settings from the environment, the composition root, the command line."""
