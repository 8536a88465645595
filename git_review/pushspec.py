"""Options of an upload → the words of `git push`; pure: it starts nothing and asks no server.

Gerrit takes its options behind a ``%`` of the ref or as ``-o``. The ref form is used where every option fits into a
ref's name; values with blanks, commas or quotes go as ``-o``, where they need no quoting.
Source: Gerrit's upload documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from git_review.records import dataclass, replace

_NO = ("false", "no", "off", "0", "")
_FITS_IN_REF = re.compile(r"[A-Za-z0-9_@+=%-]+(?:[./][A-Za-z0-9_@+=%-]+)*")


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What an upload asks the server for besides the branch.

    :ivar visibility: ``wip``, ``ready``, ``private``, ``remove-private``: those that are wanted.
    :ivar notify: ``NONE``, ``OWNER``, ``OWNER_REVIEWERS`` or ``ALL``; None leaves it to the server.
    :ivar message: the patchset's description.
    :ivar bases: what the changes are based on: commits, as the person named them until they are looked up.
    :ivar more: Gerrit's other options in its own spelling. :ivar free: what the person wrote for ``git push -o``.
    :ivar implied_topic: a topic that nobody gave in so many words.
    """

    topic: str | None = None
    hashtags: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    visibility: tuple[str, ...] = ()
    notify: str | None = None
    message: str | None = None
    bases: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    implied_topic: str | None = None

    @property
    def says_something(self) -> bool:
        """Whether the server is told more than the commits, and a topic that nobody gave."""
        return bool(self.said)

    @property
    def said(self) -> tuple[str, ...]:
        """What the person wants the server to be told, in its spelling."""
        return (*words(self), *self.free)


def words(options: PushOptions) -> tuple[str, ...]:
    """The options in Gerrit's spelling, in the order that 2.5.0 gives them."""
    found = [f"topic={options.topic}"] if options.topic is not None else []
    found += [f"t={tag}" for tag in options.hashtags]
    found += [f"r={who}" for who in options.reviewers]
    found += [f"cc={who}" for who in options.cc]
    found += options.visibility
    if options.notify is not None:
        found.append(f"notify={options.notify}")
    if options.message is not None:
        found.append(f"m={encoded(options.message)}")
    found += [f"base={commit}" for commit in options.bases]
    return (*found, *options.more)


def encoded(message: str) -> str:
    """A message as Gerrit decodes it: percent escapes, in which ``_`` and ``+`` would mean a blank."""
    return quote(message, safe="").replace("_", "%5F").replace("%20", "+")


def push_words(
    remote: str,
    branch: str,
    options: PushOptions,
    *,
    thin: bool = True,
    apart: bool = True,
    git: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """The words of the push behind ``git``: what Gerrit is told is in the last one where that is possible.

    What the person wrote for ``-o`` is a push option in any case.

    :param apart: an implied topic is a push option, too, so that the last word is that of 2.5.0. Every Gerrit takes
        them; not so for git's own servers.
    :param git: git's configuration: what in it would change this push gets words against it.
    """
    topic = (f"topic={options.implied_topic}",) if options.implied_topic and options.topic is None else ()
    told = (*(() if apart else topic), *words(options))
    free = (*(topic if apart else ()), *options.free)
    target = f"HEAD:refs/for/{branch}"
    if _fit_in_ref(told):
        target += f"%{','.join(told)}" if told else ""
    else:
        free = (*told, *free)
    before = _settings_against(remote, git or {}, pushed=bool(free))
    flags = (*_flags_against(git or {}), *(() if thin else ("--no-thin",)))
    return (*before, "push", "--no-follow-tags", *flags, *_as_push_options(free), remote, target)


def _settings_against(remote: str, git: Mapping[str, str], *, pushed: bool) -> tuple[str, ...]:
    """Against push options for all servers, which ours would refuse, and against a mirror's "all refs"."""
    clear = "push.pushoption" in git and not pushed
    mirror = git.get(f"remote.{remote}.mirror", "false").lower() not in _NO
    settings = ((clear, "push.pushOption="), (mirror, f"remote.{remote}.mirror=false"))
    return tuple(word for wanted, setting in settings if wanted for word in ("-c", setting))


def _flags_against(git: Mapping[str, str]) -> tuple[str, ...]:
    """Against uploading submodules to where they have no remote. Who signs each push does so where a server asks."""
    submodules = "submodule.recurse" in git or "push.recursesubmodules" in git
    signed = git.get("push.gpgsign", "false").lower() not in _NO
    flags = ((submodules, "--no-recurse-submodules"), (signed, "--signed=if-asked"))
    return tuple(flag for wanted, flag in flags if wanted)


def modest(options: PushOptions) -> PushOptions:
    """The same without an implied topic that alone would take a push option: for servers that may not know these."""
    alone = not options.free and _fit_in_ref(words(options))
    fits = options.implied_topic is None or _fit_in_ref((f"topic={options.implied_topic}",))
    return replace(options, implied_topic=None) if alone and not fits else options


def _fit_in_ref(told: Sequence[str]) -> bool:
    return all(_FITS_IN_REF.fullmatch(word) and not word.endswith(".lock") for word in told)


def _as_push_options(told: Sequence[str]) -> tuple[str, ...]:
    return tuple(part for word in told for part in ("-o", word))
