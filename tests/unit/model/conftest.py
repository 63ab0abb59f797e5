"""Settings of property tests: the first example pays for lazily imported libraries, so there is no deadline."""

from hypothesis import settings

settings.register_profile("model", deadline=None)
settings.load_profile("model")
