"""Real faults, in tests that take too long for every change: `make soak`."""
