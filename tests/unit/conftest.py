"""Settings of property tests: how long an example takes is not their matter, least of all on a busy machine."""

from hypothesis import HealthCheck, settings

settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")
