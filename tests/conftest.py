"""Fixtures that many test files share, and how much is fuzzed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from support.fuzzing import fuzzed

pytest_plugins = ["support.inside", "support.inspect_samples", "support.serving"]

settings.register_profile("ace", parent=fuzzed)
settings.load_profile("ace")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_developer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither read nor written, by processes that tests start as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield
