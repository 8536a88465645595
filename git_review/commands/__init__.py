"""One verb a file: observe, plan, carry out; the command line is read elsewhere, and nothing exits here."""

from __future__ import annotations

from git_review.commands.context import Options, prepare
from git_review.plan import Talk


def run(options: Options, talk: Talk) -> None:
    """Do what the options ask for. :raises git_review.errors.ReviewError: it was refused, or it failed."""
    context = prepare(options, talk)
    if options.download is not None:
        from git_review.commands.download import download

        download(context, options.download)
    elif options.list:
        from git_review.commands.list import list_changes

        list_changes(context)
    elif options.setup:
        from git_review.commands.setup import setup

        setup(context)
    else:
        from git_review.commands.push import push

        push(context)
