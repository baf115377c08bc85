"""The `ace` command: finds the subcommand, runs it, and turns what went wrong into one line and an exit code."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ace_cli.errors import AceError, ExitCode, UsageError
from ace_cli.import_path import leave_working_directory
from ace_cli.text import is_valid

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "init": "Look at your rows and write a settings file for them.",
    "check": "See whether a run can start: settings, data, keys, models.",
    "train": "Train a playbook on examples with known answers.",
    "resume": "Continue after a crash, Ctrl-C, a reached limit or a failure.",
    "inspect": "See what was learned: bullets, their history, the run.",
    "export": "Export a playbook to another format.",
    "eval": "Measure whether a playbook helps, and how sure that is.",
    "runs": "List, compare and remove runs.",
    "serve-mcp": "Hand a playbook's bullets to agents: an MCP server.",
}
"""Subcommand -> its help in one line. Its module is imported only when it is called: `ace --help` stays fast."""


MEANT = {
    **dict.fromkeys(
        ("--train-data", "--data", "--data-file", "--file", "--train-file", "--dataset-path"), "--input"
    ),
    **dict.fromkeys(("--llm", "--model-name"), "--model"),
    **dict.fromkeys(("--base-url", "--url", "--endpoint", "--server"), "--api-base"),
    **dict.fromkeys(("--limit", "--n", "--samples", "--num-samples", "--max-examples"), "--num-examples"),
    **dict.fromkeys(("--budget", "--cost"), "--max-cost"),
}
"""What other tools call our flags, too far from ours for a spelling error."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The console command. Always ends the process, with an exit code of ``errors.ExitCode``."""
    # Imports and playbooks are many objects and little garbage: looking for it as often as the default does takes a tenth of the
    # time of the first and a third of that of the second.
    gc.set_threshold(10_000)
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in ("train", "resume", "eval"):
        _end_on_termination()
    code = run(given)
    try:
        if sys.stdout is not None:  # as after `>&-`
            sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        _silence(1)
    except OSError as error:  # `> /dev/full`
        _silence(1)
        _say(f"cannot write to stdout: {error.strerror or error}", "")
        code = code or ExitCode.FAILED
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except (OSError, ValueError):  # what was said there is not the result
        _silence(2)
    others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    if code == ExitCode.INTERRUPTED and not all(thread.daemon for thread in others):
        # Everything is saved and said. The interpreter would wait for threads that nobody can cut off, such as that of
        # a local model in the middle of a reply.
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code. Errors are printed to stderr, one line and a hint."""
    leave_working_directory()
    try:
        for argument in arguments:
            if not is_valid(argument):
                raise UsageError(f"{argument!r} is not UTF-8 text", "Give it in UTF-8, file names as well.")
        # Not standalone: errors are printed here, in one line, whatever their kind.
        result = _group().main(list(arguments) or ["--help"], prog_name="ace", standalone_mode=False)
        if result == ExitCode.INTERRUPTED:  # typer takes a KeyboardInterrupt for an exit code
            _say("interrupted", "")
        return result if isinstance(result, int) else ExitCode.DONE
    except AceError as error:
        _debug()
        _say(error.message, error.hint)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted", "")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # `ace inspect ... | head`
        _silence(1)
        return ExitCode.DONE
    except Exception as error:  # noqa: BLE001 - the last resort of a process: a bug is reported as one, not dumped
        if hasattr(error, "format_message"):  # a wrong command line
            context = getattr(error, "ctx", None)
            meant = MEANT.get(str(getattr(error, "option_name", "")).replace("_", "-"), "")
            lists = f"`{context.command_path} --help` lists what there is." if context else ""
            _say(error.format_message(), f"Did you mean {meant}? {lists}" if meant else lists)
            return ExitCode.USAGE
        _debug()
        from ace_cli.redact import redact

        _say(
            f"unexpected {type(error).__name__}: {redact(str(error))}",
            "This is a bug in ace; please report it. ACE_DEBUG=1 shows where it happened.",
        )
        return ExitCode.FAILED


def _end_on_termination() -> None:
    """Before the run listens itself (while libraries are imported, the dataset is read), termination is as Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has ignored it
            signal.signal(number, interrupt)


def _say(message: str, hint: str) -> None:
    from ace_cli.report.text import printable

    with contextlib.suppress(OSError):  # nobody reads stderr any more; the exit code still tells
        typer.echo(f"error: {printable(message)}", err=True)
        if hint:
            typer.echo(f"hint: {printable(hint)}", err=True)


def _debug() -> None:
    if os.environ.get("ACE_DEBUG"):
        import traceback

        traceback.print_exc()


def _silence(descriptor: int) -> None:
    """Nobody reads this any more; keep the interpreter from complaining about it at exit (with code 120)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _version(wanted: bool) -> None:
    if wanted:
        from ace_cli._version import __version__

        typer.echo(f"ace {__version__}")
        raise typer.Exit


def module_of(name: str) -> Any:
    """The module of a subcommand."""
    return importlib.import_module(f"ace_cli.cli.{name.replace('-', '_')}")


def _group() -> Any:
    class LazyGroup(TyperGroup):
        """Lists the commands from the table above and imports one when it is called."""

        def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
            name = args[0].replace("_", "-")
            if name not in COMMANDS:
                return super().resolve_command(ctx, args)  # says which one may be meant
            command = typer.main.get_command(module_of(name).app)
            command.name = name
            return name, command, args[1:]

    app = typer.Typer(
        cls=LazyGroup,
        rich_markup_mode=None,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "token_normalize_func": lambda token: token.replace("_", "-"),
        },
    )

    @app.callback()
    def ace(
        version: Annotated[
            bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
        ] = False,
    ) -> None:
        """Train playbooks for language models (Agentic Context Engineering)."""

    for name, text in COMMANDS.items():
        app.command(name, help=text)(lambda: None)
    return typer.main.get_command(app)
