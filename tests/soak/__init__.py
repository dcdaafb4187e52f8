"""Real faults that take longer than a check may: `make soak`."""
