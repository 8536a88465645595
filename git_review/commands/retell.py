"""What the server is to be told of changes whose commits it has already: asked for by REST or by ssh, without a push.

Gerrit applies a push's options to new patchsets only. By ssh it can do less than by REST; what it cannot do is named.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from git_review import messages
from git_review.commands import ask
from git_review.commands.context import Context
from git_review.commands.known import Known
from git_review.gerrit.address import Remote, parse_remote
from git_review.gerrit.model import Change
from git_review.git.errors import GitError
from git_review.git.runner import program
from git_review.messages import changes as said
from git_review.pushspec import PushOptions, words
from git_review.records import replace

_LABEL = "l="


def retell(context: Context, known: Sequence[Known], told: PushOptions) -> None:
    """Have each change get the reviewers, the topic and so on.

    :raises ReviewError: the server refused; or something was wanted that it cannot do without a new patchset.
    """
    remote = parse_remote(ask.push_url(context))
    changes = [entry.change for entry in reversed(known) if entry.change is not None]
    done = _by_ssh(context, remote, changes, told) if remote.scheme == "ssh" else _by_rest(context, changes, told)
    if done:
        numbers = ", ".join(str(change.number) for change in changes)
        context.talk.say(said.RETOLD.format(numbers, messages.clean(", ".join(done))))
    left = [word for word in (*words(told), *told.free) if word not in done]
    if left:
        raise messages.not_applied(left, 1)


def review_input(told: PushOptions) -> dict[str, Any]:
    """What Gerrit takes as one review. Source: its REST documentation, "ReviewInput"."""
    people = [{"reviewer": who} for who in told.reviewers] + [{"reviewer": who, "state": "CC"} for who in told.cc]
    votes = [word.removeprefix(_LABEL) for word in told.more if word.startswith(_LABEL)]
    labels = {
        vote.rpartition(sign)[0]: int(f"{sign}{vote.rpartition(sign)[2]}") for vote in votes for sign in _sign(vote)
    }
    found: dict[str, Any] = {"reviewers": people, "labels": labels}
    found |= {"ready": True} if "ready" in told.visibility else {}
    found |= {"work_in_progress": True} if "wip" in told.visibility else {}
    wanted = {key: value for key, value in found.items() if value}
    return wanted | ({"notify": told.notify} if wanted and told.notify else {})


def _sign(vote: str) -> str:
    return "+" if "+" in vote else "-"


def _reviewed(told: PushOptions) -> list[str]:
    """The options that a review carries."""
    taken = [f"r={who}" for who in told.reviewers] + [f"cc={who}" for who in told.cc]
    taken += [word for word in told.visibility if word in ("wip", "ready")]
    taken += [word for word in told.more if word.startswith(_LABEL)]
    return taken + ([f"notify={told.notify}"] if taken and told.notify else [])


def _by_rest(context: Context, changes: Sequence[Change], told: PushOptions) -> list[str]:
    done = _reviewed(told)
    done += [f"topic={told.topic}"] if told.topic else []
    done += [f"t={tag}" for tag in told.hashtags]
    done += [word for word in told.visibility if word in ("private", "remove-private")]
    done += [word for word in words(told) if told.message is not None and word.startswith("m=")]
    review = review_input(told)
    with ask.server(context, ask.push_url(context)) as gerrit:
        for change in changes:
            if review:
                gerrit.changes.tell(change.id, review)
            if told.topic:
                gerrit.changes.set_topic(change.id, told.topic)
            if told.hashtags:
                gerrit.changes.add_hashtags(change.id, told.hashtags)
            if told.message is not None:
                gerrit.changes.describe(change.id, told.message)
            if private := {"private", "remove-private"}.intersection(told.visibility):
                gerrit.changes.set_private(change.id, "private" in private)
    return done


def _by_ssh(context: Context, remote: Remote, changes: Sequence[Change], told: PushOptions) -> list[str]:
    from git_review.gerrit import ssh

    done = _reviewed(told) + ([f"topic={told.topic}"] if told.topic else [])
    page = ssh.Page(timeout=ask.seconds(context), tell=context.runner.tell, waiting=context.runner.waiting)
    # A review's answer does not come by ssh: that somebody is unknown, only set-reviewers tells [seen on 3.9.4].
    review = review_input(replace(told, reviewers=()))
    adding = [word for who in told.reviewers for word in ("--add", who)]
    for change in changes:
        if adding:
            _order(context, remote, ["gerrit", "set-reviewers", *adding, str(change.number)])
        patchset = change.patchsets[-1].number if change.patchsets else 1
        if review:
            command = ["gerrit", "review", "--json", f"{change.number},{patchset}"]
            _order(context, remote, command, json.dumps(review).encode())
        if told.cc:
            _refuse_unknown(told.cc, ssh.reviewers(context.settings.ssh, remote, change.number, page))
        if told.topic:
            _order(context, remote, ["gerrit", "set-topic", str(change.number), "--topic", told.topic])
    return done


def _refuse_unknown(wanted: Sequence[str], there: frozenset[str]) -> None:
    """Who was to get a copy has to be there afterwards, by the name that was given."""
    named = {who: who.partition("<")[2].rstrip(">") or who for who in wanted if not who.isdigit()}
    gone = [who for who, name in named.items() if name.lower() not in there]
    if gone:
        raise said.not_retold(f"not in copy, as nobody is known by that name: {', '.join(gone)}")


def _order(context: Context, remote: Remote, words: Sequence[str], stdin: bytes = b"") -> None:
    from git_review.gerrit import ssh

    argv = [*ssh.command(context.settings.ssh, remote), shlex.join(words)]
    runner = context.runner
    try:
        done = program(argv, timeout=ask.seconds(context), tell=runner.tell, stdin=stdin, waiting=runner.waiting)
    except GitError as error:
        raise said.not_retold(error.brief) from error
    if done.status != 0:
        raise said.not_retold(done.stderr or done.stdout)
