"""The real domain code, in virtual time, under seeded random faults."""
