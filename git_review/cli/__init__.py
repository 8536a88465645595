"""The command `git review`: flags in, exit code out; the only room that exits, and it decides nothing else."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

TYPE_CHECKING = False  # not typing's, whose import takes as long as all else that --version needs
if TYPE_CHECKING:
    from git_review.cli.terminal import Terminal

# The git-review whose options, exit codes and texts these are: programs compare it with the one that they need.
_BEHAVES_LIKE = "2.5.0"
_LICENSE = "Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0"


def main(argv: Sequence[str] | None = None) -> None:
    """The console script: run the command and exit with its code."""
    words = sys.argv[1:] if argv is None else argv
    if list(words) == ["--version"]:
        # Editors and Weblate ask this before each command: it is answered before anything else is loaded.
        sys.stdout.write(_version_line() + "\n")
        sys.exit(0)
    if argv is None:
        from git_review.encoding import in_utf8

        in_utf8()
    # A run is short: neither collecting garbage nor taking the interpreter apart is worth its time (a tenth of it).
    gc.disable()
    _end(status(words))


def status(argv: Sequence[str]) -> int:
    """Run the command and return its exit code; what went wrong is told on standard error."""
    from git_review import messages
    from git_review.cli.command import complaint
    from git_review.cli.terminal import Terminal
    from git_review.errors import ReviewError

    terminal = Terminal(json="--json" in argv)
    try:
        return _run(argv, terminal)
    except ReviewError as error:
        terminal.complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        terminal.warn("interrupted")
        return 130
    except BrokenPipeError:
        terminal.abandon()
        return 1
    except Exception as error:
        usage = complaint(error)
        if usage is not None:
            terminal.complain(messages.usage(usage))
            return 2
        terminal.complain(messages.bug(type(error).__name__, _log(error, argv)))
        return 3


def _end(code: int) -> None:
    """Leave with that code, once all that was told has been written."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        code = code or 1
    os._exit(code)


def _run(argv: Sequence[str], terminal: Terminal) -> int:
    from git_review.cli.command import read

    flags = read(argv)
    if flags["help"]:
        from git_review.cli.table import help_text

        terminal.answer(help_text())
    elif flags["license"]:
        terminal.answer(_LICENSE)
    elif flags["version"]:
        terminal.answer(_version_line())
    elif flags["completion"]:
        from git_review.cli.completion import script

        terminal.answer(script(flags["completion"]))
    else:
        from git_review.cli.options import options_of
        from git_review.commands import run

        return run(options_of(flags), terminal)
    return 0


def _version_line() -> str:
    """One version, as third and as last word, since programs look for either; our own is its local part (PEP 440)."""
    own = _version().replace("+", ".").replace("-", ".").replace("_", ".")
    return f"git-review version {_BEHAVES_LIKE}+gatelocal.{own}"


def _version() -> str:
    """The installed distribution's, by the name of its folder: importlib.metadata would take half of the time."""
    for place in sys.path:
        try:
            names = os.listdir(place or os.curdir)  # noqa: PTH208 - pathlib is not loaded yet
        except OSError:
            continue
        for name in names:
            if name.startswith("gatelocal-") and name.endswith(".dist-info"):
                return name[len("gatelocal-") : -len(".dist-info")]
    return "0.0.0"


def _log(error: BaseException, argv: Sequence[str]) -> str:
    """Write what a report needs to a file that only the person can read, and return its name."""
    import tempfile
    import traceback

    from git_review.git.runner import without_password

    told = f"{_version_line()}, Python {sys.version}\n{list(argv)!r}\n{''.join(traceback.format_exception(error))}"
    with tempfile.NamedTemporaryFile("w", prefix="git-review-", suffix=".log", delete=False, errors="replace") as file:
        file.write(without_password(told))
    return file.name
