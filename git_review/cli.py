"""The command `git review`: flags in, exit code out; the only file that exits, and it decides nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from git_review import messages
from git_review.arguments import expanded
from git_review.commands import run
from git_review.commands.context import Options, Rebase
from git_review.errors import ReviewError
from git_review.pushspec import PushOptions
from git_review.terminal import Terminal

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_MANY = ("--hashtags", "--reviewers", "--cc")
_TOGETHER = (
    (("topic", "-t"), ("no_topic", "-T")),
    (("wip", "-w"), ("ready", "-W")),
    (("private", "-p"), ("remove_private", "-P")),
    (("no_rebase", "-R"), ("force_rebase", "-F"), ("keep_rebase", "-K")),
    (("download", "-d"), ("list", "-l"), ("setup", "-s"), ("finish", "-f")),
)
_NOT_BUILT = {
    "new_changeid": "-i",
    "remote_hook": "--remote-hook",
    "cherrypick": "-x",
    "cherrypickindicate": "-X",
    "cherrypickonly": "-N",
    "compare": "-m",
}
_LICENSE = "Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0"


def _flag(*names: str, text: str) -> Decorator:
    return click.option(*names, is_flag=True, help=text)


def _later(*names: str, value: bool = True) -> Decorator:
    """An option of 2.5.0 that is refused, not ignored."""
    return click.option(*names, is_flag=not value, hidden=True)


@click.command(
    name="git-review",
    help="Upload the commits of HEAD for review to Gerrit, for BRANCH (by default the project's own).",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("branch", required=False)
@_flag("-s", "--setup", text="Make the remote and install the Change-Id hook, then stop.")
@click.option("-d", "--download", metavar="CHANGE[,PS]", help="Check a change out in a branch review/NUMBER.")
@click.option("-l", "--list", count=True, help="List the open changes; -ll with their topics.")
@_flag("-n", "--dry-run", text="Change nothing; print the push command.")
@_flag("-y", "--yes", text="Upload several commits without asking.")
@_flag("-v", "--verbose", text="Tell each command that runs.")
@_flag("-R", "--no-rebase", text="Do not try whether the commits still apply on the target branch.")
@_flag("-F", "--force-rebase", text="Rebase on the target branch, and upload the result.")
@_flag("-K", "--keep-rebase", text="On a conflict, leave a rebase in progress to solve it in.")
@_flag("-f", "--finish", text="After a good upload, remove the branch and go back to the target branch.")
@click.option("-t", "--topic", metavar="TOPIC", help="The topic of the changes.")
@_flag("-T", "--no-topic", text="No topic; it is the default, too.")
@click.option("--hashtags", multiple=True, metavar="TAG...", help="Add hashtags.")
@click.option("--reviewers", multiple=True, metavar="WHO...", help="Add reviewers.")
@click.option("--cc", multiple=True, metavar="WHO...", help="Add people in copy.")
@_flag("-w", "--wip", "--work-in-progress", text="Mark as work in progress.")
@_flag("-W", "--ready", text="Mark as ready for review.")
@_flag("-p", "--private", text="Make private.")
@_flag("-P", "--remove-private", text="Make public.")
@click.option("--notify", type=click.Choice(["NONE", "OWNER", "OWNER_REVIEWERS", "ALL"]), help="Who gets mail.")
@click.option("--message", metavar="TEXT", help="Describe the patchset.")
@click.option("-r", "--remote", metavar="NAME", help="The remote to use.")
@_flag("--use-pushurl", text="Give the remote origin a push URL in place of a second remote.")
@_flag("--track", text="Upload for the branch that the current one follows.")
@_flag("--no-track", text="Do not.")
@_flag("-u", "--update", text="Fetch the remote first, and refresh the hook.")
@_flag("--no-thin", text="Push without thin packs, against `Missing tree`.")
@_flag("--no-custom-script", text="Do not look for pre-review and post-review scripts.")
@click.option("--color", type=click.Choice(["always", "never", "auto"]), is_flag=False, flag_value="always")
@_flag("--no-color", text="The same as --color=never.")
@_flag("--license", text="Show the licence, then stop.")
@_flag("--version", text="Show which git-review this is, then stop.")
@_later("-i", "--new-changeid", value=False)
@_later("--remote-hook", value=False)
@_later("-x", "--cherrypick")
@_later("-X", "--cherrypickindicate")
@_later("-N", "--cherrypickonly")
@_later("-m", "--compare")
def command(**flags: Any) -> None:
    """Read the flags, and do what they say."""
    terminal = Terminal()
    if flags["license"]:
        terminal.say(_LICENSE)
    elif flags["version"]:
        terminal.say(f"git-review version (gatelocal) {_version()}")
    else:
        run(options_of(flags), terminal)


def main(argv: Sequence[str] | None = None) -> None:
    """The console script: run the command and exit with its code."""
    sys.exit(status(sys.argv[1:] if argv is None else argv))


def status(argv: Sequence[str]) -> int:
    """Run the command and return its exit code; what went wrong is told on standard error."""
    terminal = Terminal()
    try:
        flags, valued = _long_options()
        command.main(args=expanded(argv, flags, valued, _MANY), prog_name="git-review", standalone_mode=False)
    except ReviewError as error:
        terminal.complain(error)
        return error.exit_code
    except click.ClickException as error:
        terminal.complain(messages.usage(error.format_message()))
        return 2
    except (KeyboardInterrupt, click.Abort):
        terminal.warn("interrupted")
        return 130
    except BrokenPipeError:
        terminal.abandon()
        return 1
    except Exception as error:
        terminal.complain(messages.bug(type(error).__name__, _log(error, argv)))
        return 3
    return 0


def options_of(flags: Mapping[str, Any]) -> Options:
    """The options that click's flags mean. :raises ReviewError: they contradict one another, or make no sense."""
    _refuse(flags)
    return Options(
        branch=flags["branch"],
        remote=flags["remote"],
        push=_push_options(flags),
        rebase=_rebase(flags),
        track=False if flags["no_track"] else (True if flags["track"] else None),
        use_pushurl=True if flags["use_pushurl"] else None,
        download=flags["download"],
        list=flags["list"],
        setup=flags["setup"],
        finish=flags["finish"],
        update=flags["update"],
        dry_run=flags["dry_run"],
        yes=flags["yes"],
        verbose=flags["verbose"],
        thin=not flags["no_thin"],
        custom_scripts=not flags["no_custom_script"],
        color="never" if flags["no_color"] else (flags["color"] or "auto"),
    )


def _refuse(flags: Mapping[str, Any]) -> None:
    later = [option for name, option in _NOT_BUILT.items() if flags[name]]
    if later:
        raise messages.not_built(later)
    for group in _TOGETHER:
        given = [option for name, option in group if flags[name] not in (None, False, 0)]
        if len(given) > 1:
            raise messages.usage(f"{' and '.join(given)} exclude one another")


def _push_options(flags: Mapping[str, Any]) -> PushOptions:
    topic = flags["topic"]
    if topic is not None and (not topic.strip() or '"' in topic or not topic.isprintable()):
        raise messages.bad_topic(topic)
    hashtags = [tag for word in flags["hashtags"] for tag in word.split(",") if tag]
    visibility = ("wip", "ready", "private", "remove_private")
    return PushOptions(
        topic=topic,
        hashtags=_names("hashtag", hashtags),
        reviewers=_names("reviewer", flags["reviewers"]),
        cc=_names("person in copy", flags["cc"]),
        visibility=tuple(name.replace("_", "-") for name in visibility if flags[name]),
        notify=flags["notify"],
        message=flags["message"],
    )


def _names(kind: str, names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if not name or not name.isprintable() or any(char.isspace() for char in name):
            raise messages.white_space(kind, name)
    return tuple(names)


def _rebase(flags: Mapping[str, Any]) -> Rebase | None:
    kinds = {"no_rebase": Rebase.NONE, "force_rebase": Rebase.FORCE, "keep_rebase": Rebase.KEEP}
    return next((kind for name, kind in kinds.items() if flags[name]), None)


def _long_options() -> tuple[list[str], list[str]]:
    """The long options without a value, and those with one."""
    flags: list[str] = ["--help"]
    valued: list[str] = []
    for option in command.params:
        takes = isinstance(option, click.Option) and not option.is_flag and not option.count and option.name != "color"
        (valued if takes else flags).extend(name for name in option.opts if name.startswith("--"))
    return flags, valued


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("gatelocal")
    except PackageNotFoundError:
        return "0.0.0"


def _log(error: BaseException, argv: Sequence[str]) -> str:
    """Write what a report needs to a file that only the person can read, and return its name."""
    import tempfile
    import traceback

    from git_review.git.runner import without_password

    told = (
        f"git-review {_version()}, Python {sys.version}\n{list(argv)!r}\n{''.join(traceback.format_exception(error))}"
    )
    with tempfile.NamedTemporaryFile("w", prefix="git-review-", suffix=".log", delete=False, errors="replace") as file:
        file.write(without_password(told))
    return file.name
