"""Entry point: finds the subcommand and turns every way of ending into a sentence and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

import click

from gatelocal.cli.options import Verbs, examples
from gatelocal.cli.signals import end_as_interrupted
from gatelocal.config.directories import directories
from gatelocal.errors import BUG, INTERRUPTED, MACHINERY, exit_code
from gatelocal.ui import messages
from gatelocal.ui.terminal import Terminal
from git_review.encoding import in_utf8, never_refuse
from git_review.errors import ReviewError

_COMMANDS = {
    "run": "Take a change to a verdict on this machine.",
    "init": "A first gatelocal.yaml for a project, made from what is there.",
    "plan": "What would run for a change, and why.",
    "runs": "Past runs, with what came out of them.",
    "show": "What came out of a run; with a job, all that its failed tests say.",
    "logs": "What a job of a run printed, also while it runs.",
    "fingerprint": "Queries that know failures of known bugs again.",
    "flake": "How often a test fails, by many tries.",
    "bisect": "Which commit, merge or queued change makes a job fail.",
    "stats": "How often jobs pass and flake here, what failed and why.",
    "artifacts": "The files that a run has fetched from its nodes.",
    "workspace": "Source trees for a person, with changes merged as the gate merges them.",
    "replay": "Run a run's jobs again from its recipe, or make its sources again.",
    "diff": "What differs between the recipes of two runs.",
    "serve": "Be the gate of a Gerrit, until told to end.",
    "status": "What is in the queues of a running daemon.",
    "why": "What a change waits for there.",
    "enqueue": "Put a change into one of its pipelines.",
    "dequeue": "Take a change out.",
    "promote": "Move changes to the head of their queues.",
    "pause": "Stop a queue.",
    "resume": "Let a queue go on.",
    "release": "Have a node returned that it has kept.",
    "token": "Who may operate a daemon.",
    "simulate": "Try the gate on scenarios in a make-believe world.",
    "shell": "Into a node that was kept, to where its build stood.",
    "hold": "Nodes that were kept: how long, for what, at which price.",
    "sandbox": "A private, real Gerrit for trial and tests.",
    "image": "The images that nodes are started from.",
    "node": "Nodes that were kept: list them, enter them, return them.",
}


class _Lazy(Verbs):
    """A group whose commands are modules of this package, imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"gatelocal.cli.{cmd_name}"), cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("gatelocal run", "gatelocal plan 1234", "gatelocal run --help"),
)
@click.version_option(package_name="gatelocal", message="gatelocal version %(version)s")
def gatelocal() -> None:
    """The project's whole merge gate on your own machine."""


def main() -> None:
    """Run the command line of this process and exit."""
    in_utf8()
    never_refuse()
    end_as_interrupted()
    sys.exit(_run())


def _run() -> int:
    terminal = Terminal(sys.stderr)
    try:
        result = gatelocal.main(standalone_mode=False, prog_name="gatelocal")
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _interrupted(terminal)
    except ReviewError as error:
        terminal.error(error.brief, error.details, error.hint)
        return exit_code(error)
    except OSError as error:
        # click tells of an interruption on standard error, which may be a terminal that has been hung up.
        return _interrupted(terminal) if isinstance(error.__context__, KeyboardInterrupt) else _system(error, terminal)
    except Exception:
        log = _report(traceback.format_exc())
        terminal.error(messages.BUG, "", messages.bug_report(str(log)))
        return BUG
    return result if isinstance(result, int) else 0


def _interrupted(terminal: Terminal) -> int:
    _tell(terminal, messages.INTERRUPTED, "")
    return INTERRUPTED


def _system(error: OSError, terminal: Terminal) -> int:
    """What the operating system refused: a full disk, a folder that is not ours, a reader that went away."""
    if error.errno == errno.EPIPE:
        _close_output()
        return MACHINERY
    hint = messages.DISK_FULL_HINT if error.errno == errno.ENOSPC else ""
    _tell(terminal, messages.system_refused(error.strerror or str(error), error.filename), hint)
    return MACHINERY


def _tell(terminal: Terminal, brief: str, hint: str) -> None:
    """Say it, if there is still somebody to hear."""
    try:
        terminal.error(brief, "", hint)
    except OSError:
        _close_output()


def _close_output() -> None:
    """Whoever read our output has gone; say nothing more, also not at interpreter exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())


def _report(text: str) -> Path:
    folder = directories(os.environ).state
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"bug-{os.getpid()}.log"
    path.write_text(" ".join(["gatelocal", *sys.argv[1:]]) + "\n\n" + text)
    path.chmod(0o600)
    return path
