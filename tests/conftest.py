"""How the tests are run: hypothesis the same every time, unless asked to search with --hypothesis-profile=search."""

from hypothesis import settings

settings.register_profile("gnnmax", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("gnnmax")
