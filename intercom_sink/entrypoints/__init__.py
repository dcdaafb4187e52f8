"""Where it starts: settings from the environment, the composition root, the command line."""
