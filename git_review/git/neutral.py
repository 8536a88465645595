"""Which of a person's settings would act on our own git commands, and what takes their place; pure, it starts nothing.

A person sets git for what they do and read themselves; what we run is read by us, or done to one end. So each command
gets, as ``-c``, the defaults of those keys that would change its answer or its effect. What is theirs on purpose stays:
where and how a server is reached, who they are, how they sign, their hooks, and whatever acts on their own work tree.
Source: git-config(1), gone through key by key for 2.39 to 2.51.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_PLAIN = {"color.ui": "false"}
# The answer to a push is read, and these come before color.ui. An empty push option clears the list of them.
_WIRE = _PLAIN | {f"color.{part}": "false" for part in ("advice", "push", "remote", "transport")}
_DIFF = _PLAIN | {
    "color.diff": "false",
    "diff.context": "3",
    "diff.ignoreSubmodules": "none",
    "diff.interHunkContext": "0",
    "diff.mnemonicPrefix": "false",
    "diff.noprefix": "false",
    "diff.orderFile": "/dev/null",
    "diff.relative": "false",
    "diff.submodule": "short",
    "diff.suppressBlankEmpty": "false",
    "diff.wsErrorHighlight": "none",
    "i18n.logOutputEncoding": "UTF-8",
    "log.diffMerges": "separate",
    "log.follow": "false",
    "log.showRoot": "true",
    "log.showSignature": "false",
}
_KEYS: Mapping[str, Mapping[str, str]] = {
    "commit": {"core.fsmonitor": "false", "diff.orderFile": "/dev/null", "diff.relative": "false"},
    "diff": _DIFF,
    "fetch": _WIRE | {"fetch.output": "full", "fetch.writeCommitGraph": "false", "gc.autoDetach": "true"},
    "log": _DIFF,
    "ls-remote": _WIRE,
    "push": _WIRE | {"push.negotiate": "false", "push.pushOption": ""},
    "range-diff": _DIFF,
    "status": {
        "core.fsmonitor": "false",
        "diff.orderFile": "/dev/null",
        "diff.relative": "false",
        "status.showStash": "false",
    },
}
CONTACTS = frozenset({"fetch", "ls-remote", "push"})
"""The commands that wait for a server."""
TRANSFERS = frozenset({"fetch", "push"})
"""Those of them that can tell how far they are, so that it is seen whether the server is alive."""


def verb(args: Sequence[str]) -> str:
    """Which git command it is, behind git's own options; "" for none."""
    words = iter(args)
    for word in words:
        if word in ("-C", "-c"):
            next(words, "")
        elif not word.startswith("-"):
            return word
    return ""


def settings(command: str) -> tuple[str, ...]:
    """The words before a command that keep a person's settings out of it."""
    keys = _KEYS.get(command, {})
    return tuple(word for key, value in keys.items() for word in ("-c", f"{key}={value}"))
