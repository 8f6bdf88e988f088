"""Property tests have no deadline for one example: a machine that is busy is no counterexample."""

from hypothesis import settings

settings.register_profile("trademesh", deadline=None)
settings.load_profile("trademesh")
