"""What every unit test relies on."""

from hypothesis import HealthCheck, settings

# Both limits of Hypothesis are in wall-clock time, which says nothing about the code: they failed tests on a busy
# machine, and in a fresh clone, where Hypothesis first makes its Unicode tables.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")
