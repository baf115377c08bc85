"""One module per subcommand: parse, call the core, render. No logic."""

from ace_cli.cli.app import main

__all__ = ["main"]
