"""Events to what a user sees: bars at a terminal, plain lines, JSON lines, or nothing."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ace_cli.report.progress.reporter import reporter

__all__ = ["reporter"]


def __getattr__(name: str) -> Any:
    """Imported when asked for: `ace inspect` and `ace export` need this package, but not the engine's events."""
    if name == "reporter":
        from ace_cli.report.progress.reporter import reporter

        return reporter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
