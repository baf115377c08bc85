"""Events to what a user sees: bars at a terminal, plain lines, JSON lines, or nothing."""

from ace_cli.report.reporters import reporter

__all__ = ["reporter"]
