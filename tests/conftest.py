"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is slow now and then; what must be fast is measured in bench/, not here.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
