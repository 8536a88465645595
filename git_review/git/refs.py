"""Names of branches and refs, checked so that none is taken for an option, a pattern or two refs; starts no git."""

from __future__ import annotations

import re

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)")


def is_branch(name: str) -> bool:
    """Whether `name` can be a branch that changes are pushed for.

    The rules are git's (``git check-ref-format --branch``), and a ``%`` is refused as well: in ``refs/for/NAME`` the
    push options begin there.
    """
    if not name or name == "@" or name[0] in "-./" or name[-1] in "./" or "%" in name:
        return False
    return _FORBIDDEN.search(name) is None


def is_remote(name: str) -> bool:
    """Whether `name` can be a remote's name: the rules of a branch's, as git makes refs of both."""
    return is_branch(name)


def head(branch: str) -> str:
    """The ref of a branch: ``refs/heads/NAME``."""
    return f"refs/heads/{branch}"


def tracking(remote: str, branch: str) -> str:
    """Where this repository remembers a remote's branch: ``refs/remotes/REMOTE/NAME``."""
    return f"refs/remotes/{remote}/{branch}"


def tracked(remote: str, branch: str) -> str:
    """The refspec that fetches a remote's branch to where it is remembered."""
    return f"+{head(branch)}:{tracking(remote, branch)}"
