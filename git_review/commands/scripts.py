"""The person's own scripts, `pre-review` and `post-review`: found, run, and heard when they fail; judges nothing.

They lie in ``~/.config/git-review/hooks`` and where git looks for hooks; those of both places run, in that order,
without arguments and without input, in the directory where the command was started.
"""

from __future__ import annotations

import os
from pathlib import Path

from git_review import messages
from git_review.commands.context import Context
from git_review.git.errors import GitError
from git_review.git.runner import program

PRE, POST = "pre-review", "post-review"


def run_scripts(context: Context, name: str) -> None:
    """Run the scripts of that name. :raises ReviewError: one failed (71); the others were run all the same."""
    if not context.options.custom_scripts:
        return
    failed = [file for file in _found(context, name) if not _run(context, file)]
    if failed:
        raise messages.script_failed(failed)


def _found(context: Context, name: str) -> list[Path]:
    places = (*context.settings.script_places, context.places.hooks)
    return [file for place in places if (file := place / name).is_file() and os.access(file, os.X_OK)]


def _run(context: Context, file: Path) -> bool:
    context.progress(messages.RUNNING.format(file))
    try:
        done = program([str(file)])
    except GitError as error:
        context.talk.warn(error.brief)
        return False
    text = (done.stdout + done.stderr).rstrip("\n")
    if text and done.status != 0:
        context.talk.warn(text)
    elif text:
        context.progress(text)
    return done.status == 0
