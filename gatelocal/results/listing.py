"""What to ask stestr to learn which tests a run of it had chosen, and its answer; for runs that nobody watched.

The options are those of stestr 2 to 4. What is not understood to the last word is not asked: a wrong list would turn a
good change into a bad one.
"""

from __future__ import annotations

import re
import shlex

_DROPPED = frozenset(
    "--serial --random -r --subunit --combine --color --slowest --abbreviate --isolated --until-failure"
    " --suppress-attachments --all-attachments --show-binary-attachments --no-subunit-trace --force-subunit-trace"
    " --subunit-trace".split()
)
_DROPPED_WITH_VALUE = ("--concurrency", "--worker-file")
_KEPT_WITH_VALUE = (
    *("--exclude-list", "-e", "--include-list", "-i", "--exclude-regex", "-E"),
    *("--blacklist-file", "-b", "--whitelist-file", "-w", "--black-regex", "-B"),
)
_BEFORE_WITH_VALUE = (
    *("--config", "-c", "--repo-url", "-u", "--test-path", "-t", "--top-dir", "--group_regex", "--group-regex", "-g"),
    *("--here", "-d", "--user-config"),
)
_STARTS = re.compile(r"^\S+: (?:\d+ [A-Z] )?commands\[\d+\]")
_ENDS = re.compile(r"^  \S+: OK \(")


def question(line: str) -> tuple[str, ...] | None:
    """The command that lists what ``stestr run ...`` would run; None for a command that is not understood."""
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    begin = 3 if words[1:3] in (["-m", "stestr"], ["-m", "stestr.cli"]) else 1
    if "run" not in words[begin:] or (begin == 1 and words[0].rpartition("/")[2] != "stestr"):
        return None
    at = words.index("run", begin)
    before = _kept(words[begin:at], _BEFORE_WITH_VALUE)
    after = _kept(words[at + 1 :], _KEPT_WITH_VALUE, _DROPPED_WITH_VALUE, words=True)
    if before is None or after is None:
        return None
    return (*words[:begin], *before, "list", *after)


def answer(lines: list[str]) -> tuple[str, ...] | None:
    """The ids in what tox and stestr printed; None when they did not come to an end."""
    starts = next((at for at, line in enumerate(lines) if _STARTS.match(line)), None)
    ends = next((at for at, line in enumerate(lines) if _ENDS.match(line)), None)
    if starts is None or ends is None:
        return None
    return tuple(line for line in lines[starts + 1 : ends] if line.strip())


def _kept(
    given: list[str], kept: tuple[str, ...], dropped: tuple[str, ...] = (), *, words: bool = False
) -> list[str] | None:
    """The options that say which tests are meant, and plain words; None when one of them is not known."""
    found: list[str] = []
    left = iter(given)
    for word in left:
        name, equals, _ = word.partition("=")
        if name in (*kept, *dropped):
            value = [] if equals else [next(left, "")]
            found += [word, *value] if name in kept else []
        elif word.startswith("-"):
            if word not in _DROPPED:
                return None
        elif words:
            found.append(word)
        else:
            return None
    return found
