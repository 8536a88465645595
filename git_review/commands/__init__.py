"""One verb a file: observe, plan, carry out; the command line is read elsewhere, and nothing exits here."""

from __future__ import annotations

from git_review.commands.context import Options, Verb, prepare
from git_review.plan import Talk


def run(options: Options, talk: Talk) -> int:
    """Do what the options ask for; gives the exit code of a run that did not fail.

    :raises git_review.errors.ReviewError: it was refused, or it failed.
    """
    context = prepare(options, talk)
    match options.verb:
        case Verb.PUSH:
            from git_review.commands.push import push

            push(context)
        case Verb.SETUP:
            from git_review.commands.setup import setup

            setup(context)
        case Verb.DOWNLOAD:
            from git_review.commands.download import download

            download(context)
        case Verb.PICK | Verb.PICK_INDICATE | Verb.PICK_ONLY:
            from git_review.commands.pick import pick

            pick(context)
        case Verb.COMPARE:
            from git_review.commands.compare import compare

            compare(context)
        case Verb.LIST:
            from git_review.commands.list import list_changes

            list_changes(context)
        case Verb.STATUS:
            from git_review.commands.status import status

            return status(context)
    return 0
