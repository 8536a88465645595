"""What click has read → the options of a run; contradictions and senseless values are refused, and nothing runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from git_review import messages
from git_review.commands.context import Options, Rebase, Verb
from git_review.pushspec import PushOptions

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from typing import Any

_TOGETHER = (
    (("topic", "-t"), ("no_topic", "-T")),
    (("wip", "-w"), ("ready", "-W")),
    (("private", "-p"), ("remove_private", "-P")),
    (("publish_comments", "--publish-comments"), ("no_publish_comments", "--no-publish-comments")),
    (("no_rebase", "-R"), ("force_rebase", "-F"), ("keep_rebase", "-K")),
    (("query", "--query"), ("view", "--view")),
    (("track", "--track"), ("no_track", "--no-track")),
    (
        ("download", "-d"),
        ("cherrypick", "-x"),
        ("cherrypickindicate", "-X"),
        ("cherrypickonly", "-N"),
        ("compare", "-m"),
        ("status", "--status"),
    ),
    *((("status", "--status"), other) for other in (("list", "-l"), ("setup", "-s"), ("finish", "-f"))),
)
# In the order of 2.5.0, where the first of several wins: -l -s lists.
_VERBS = {
    "download": Verb.DOWNLOAD,
    "cherrypick": Verb.PICK,
    "cherrypickindicate": Verb.PICK_INDICATE,
    "cherrypickonly": Verb.PICK_ONLY,
    "compare": Verb.COMPARE,
    "list": Verb.LIST,
    "status": Verb.STATUS,
    "setup": Verb.SETUP,
}
_ABSENT = (None, False, 0)
_REBASE = {"no_rebase": Rebase.NONE, "force_rebase": Rebase.FORCE, "keep_rebase": Rebase.KEEP}
_PLAIN_WORDS = ("wip", "ready", "private", "remove_private")
_MORE_FLAGS = (
    "edit",
    "submit",
    "merged",
    "publish_comments",
    "no_publish_comments",
    "skip_validation",
)
# The one spelling that Gerrit takes; its documentation and its help name others [seen on 3.9.4 and 3.13.0].
_IGNORE_ATTENTION_SET = "ignore-automatic-attention-set-rules"
_VOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*[+-][0-9]{1,4}")
_MORE_VALUES = {
    "label": "l",
    "custom_keyed_value": "custom-keyed-value",
    "notify_to": "notify-to",
    "notify_cc": "notify-cc",
    "notify_bcc": "notify-bcc",
    "deadline": "deadline",
    "trace": "trace",
}


def options_of(flags: Mapping[str, Any]) -> Options:
    """The options that click's flags mean. :raises ReviewError: they contradict one another, or make no sense."""
    _refuse(flags)
    verb = next((verb for name, verb in _VERBS.items() if flags[name] not in _ABSENT), Verb.PUSH)
    if verb is Verb.PUSH and (flags["query"] is not None or flags["view"] is not None):
        verb = Verb.LIST
    return Options(
        verb=verb,
        change=next((flags[name] for name in _VERBS if isinstance(flags[name], str)), ""),
        branch=flags["branch"],
        remote=flags["remote"],
        push=_push_options(flags),
        no_topic=flags["no_topic"] or flags["topic"] == "",
        rebase=next((kind for name, kind in _REBASE.items() if flags[name]), None),
        track=False if flags["no_track"] else (True if flags["track"] else None),
        use_pushurl=True if flags["use_pushurl"] else None,
        columns=flags["list"],
        query=flags["query"],
        view=flags["view"],
        limit=_number("--limit", flags["limit"]),
        start=_number("--start", flags["start"]) or 0,
        chain=flags["chain"],
        worktree=flags["worktree"],
        finish=flags["finish"],
        update=flags["update"],
        dry_run=flags["dry_run"],
        yes=flags["yes"],
        force=flags["force"],
        new_change_id=flags["new_changeid"],
        remote_hook=flags["remote_hook"],
        verbose=flags["verbose"],
        thin=not flags["no_thin"],
        custom_scripts=not flags["no_custom_script"],
        color=flags["color"] or "auto",
        json=flags["json"],
    )


def _refuse(flags: Mapping[str, Any]) -> None:
    for group in _TOGETHER:
        given = [option for name, option in group if flags[name] not in _ABSENT]
        if len(given) > 1:
            raise messages.usage(f"{' and '.join(given)} exclude one another")
    for name in ("chain", "worktree"):
        if flags[name] and flags["download"] is None:
            raise messages.usage(f"--{name} goes with -d")
    if all(flags[name] in _ABSENT for name in ("list", "query", "view")):
        for name in ("limit", "start"):
            if flags[name] is not None:
                raise messages.usage(f"--{name} goes with -l, --query or --view")


def _push_options(flags: Mapping[str, Any]) -> PushOptions:
    topic = flags["topic"] or None
    if topic is not None and (not topic.strip() or '"' in topic or not topic.isprintable()):
        raise messages.bad_topic(topic)
    hashtags = [tag for word in flags["hashtags"] for tag in word.split(",") if tag]
    return PushOptions(
        topic=topic,
        hashtags=_names("hashtag", hashtags),
        reviewers=_names("reviewer", flags["reviewers"]),
        cc=_names("person in copy", flags["cc"]),
        visibility=tuple(name.replace("_", "-") for name in _PLAIN_WORDS if flags[name]),
        notify=flags["notify"],
        message=flags["message"],
        bases=tuple(_printable("--base", commit) for commit in flags["base"]),
        more=_more(flags),
        free=tuple(_printable("-o", word) for word in flags["push_option"]),
    )


def _more(flags: Mapping[str, Any]) -> tuple[str, ...]:
    found = [name.replace("_", "-") for name in _MORE_FLAGS if flags[name]]
    found += [_IGNORE_ATTENTION_SET] if flags["ignore_attention_set"] else []
    for vote in flags["label"]:
        if not _VOTE.fullmatch(_printable("--label", vote)):
            raise messages.bad_vote(vote)
    for name, word in _MORE_VALUES.items():
        given = flags[name] if isinstance(flags[name], (tuple, list)) else (flags[name],)
        found += [f"{word}={_printable(f'--{name}', value)}" for value in given if value is not None]
    return tuple(found)


def _printable(option: str, value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise messages.usage(f"{value!r} cannot be the value of {option.replace('_', '-')}")
    return value


def _names(kind: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names; an empty one is nobody, as in 2.5.0."""
    for name in names:
        if not name.isprintable() or any(char.isspace() for char in name):
            raise messages.white_space(kind, name)
    return tuple(name for name in names if name)


def _number(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) < 10**6):
        raise messages.usage(f"{text!r} is no number for {option}")
    return int(text)
