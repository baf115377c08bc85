"""Fixtures that many test files share, and how much is fuzzed."""

from __future__ import annotations

from hypothesis import settings

from support.fuzzing import fuzzed

pytest_plugins = ["support.inside", "support.inspect_samples", "support.serving"]

settings.register_profile("ace", parent=fuzzed)
settings.load_profile("ace")
