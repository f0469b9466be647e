"""Settings of the tests: hypothesis is deterministic, unless --hypothesis-profile=search is given."""

from hypothesis import settings

settings.register_profile("gnnmax", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("gnnmax")
