"""Parts of the user's own: how they are found, what they are called with, and how a mistake is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ace_cli.errors import UsageError
from ace_cli.plugins import load

MODULE = """
class Careful:
    def __init__(self, threshold=0.8, *, words=()):
        self.threshold, self.words = threshold, words
    async def curate(self, *args, **kwargs): ...

class Needy(Careful):
    def __init__(self, threshold): super().__init__(threshold)

class Open(Careful):
    def __init__(self, **options): self.options = options

class Broken(Careful):
    def __init__(self): raise OSError("no disk")

class Idle: ...

ready = Careful(0.5)

class Outer:
    Inner = Careful
"""


@pytest.fixture(autouse=True)
def _own_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "own_parts.py").write_text(MODULE)
    info = tmp_path / "own_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ace_cli.curators]\ncareful = own_parts:Careful\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("own_parts", None)


class Ours:
    def __init__(self, threshold: float = 0.1) -> None:
        self.threshold = threshold

    async def curate(self) -> None: ...


def curator(spec: str, **arguments: Any) -> Any:
    return load("curator", spec, {"semantic": Ours}, arguments)


@pytest.mark.parametrize("spec", ["semantic", "careful", "own_parts:Careful", "own_parts:Outer.Inner"])
def test_a_part_is_made_with_the_arguments_of_its_table(spec: str) -> None:
    assert curator(spec, threshold=0.7).threshold == 0.7


def test_a_part_has_its_own_defaults_and_may_take_any_argument() -> None:
    assert curator("semantic").threshold == 0.1
    assert curator("own_parts:Careful", words=["a"]).words == ["a"]
    assert curator("own_parts:Open", anything=1).options == {"anything": 1}


def test_an_object_is_the_part_itself() -> None:
    assert curator("own_parts:ready").threshold == 0.5


@pytest.mark.parametrize(
    ("spec", "arguments", "message", "hint"),
    [
        ("semantik", {}, "there is no curator 'semantik'", "Did you mean 'semantic'? Known: semantic, careful; or package.module:Class."),
        ("own_parts:Careful", {"treshold": 1}, "has no argument 'treshold'", "Did you mean 'threshold'? It takes threshold, words."),
        ("semantic", {"colour": 1}, "has no argument 'colour'", "It takes threshold."),
        ("own_parts:Needy", {}, "needs the argument 'threshold'", "curator_args = {threshold = ...}"),
        ("own_parts:ready", {"threshold": 1}, "takes no arguments: it is not a class", ""),
        ("own_parts:Idle", {}, "'own_parts:Idle' cannot be the curator: it has no 'curate'", "A curator has curate."),
        ("own_parts:Broken", {}, "cannot load the curator 'own_parts:Broken': OSError: no disk", ""),
        ("own_parts:Missing", {}, "cannot load the curator", "Is the package installed"),
        ("no_such_package:X", {}, "cannot load the curator", "Is the package installed"),
        (":", {}, "cannot load the curator ':'", ""),
        ("a..b:c", {}, "cannot load the curator", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_would_be_right(
    spec: str, arguments: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        curator(spec, **arguments)
    assert message in caught.value.message
    assert hint in caught.value.hint
