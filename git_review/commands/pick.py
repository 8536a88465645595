"""`git review -x`, `-X`, `-N`: a patchset from the server is cherry-picked onto the branch that is checked out."""

from __future__ import annotations

from git_review.commands.context import Context, Verb
from git_review.commands.find import fetch_step, find
from git_review.commands.setup import ensure_remote
from git_review.git.repo import commit_id
from git_review.messages import changes as said
from git_review.messages import clean
from git_review.plan import Git, carry_out

_FLAGS = {Verb.PICK: (), Verb.PICK_INDICATE: ("-x",), Verb.PICK_ONLY: ("-n",)}


def pick(context: Context) -> None:
    """Fetch and cherry-pick. :raises ReviewError: as for a download; or it conflicts (74) and is left in progress."""
    ensure_remote(context)
    found = find(context, context.options.change)
    words = ("cherry-pick", *_FLAGS[context.options.verb], "FETCH_HEAD")
    step = Git(words, lambda details: said.pick_failed(found.ref, details), environment={"GIT_EDITOR": ":"}, told=True)
    carry_out([fetch_step(context, found), step], context.runner, context.talk)
    if not context.runner.dry_run:
        if context.options.verb is Verb.PICK_ONLY:
            context.talk.say(said.PICKED.format(found.change.number, found.patchset, clean(found.change.subject)))
        told = {"number": found.change.number, "patchset": found.patchset, "commit": commit_id(context.runner, "HEAD")}
        context.talk.result(told)
