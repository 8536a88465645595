"""The commit-msg hook that gives commits their Change-Ids: find, judge, install; never replaces another tool's hook.

The text follows the algorithm of Gerrit's own hook (prefix ``I``, git's blob hash over the committer, HEAD and the
message), so that either may be installed.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

NAME = "commit-msg"

COMMIT_MSG = r"""#!/bin/sh
# Gives a commit message the Change-Id by which Gerrit knows the change, unless it has one already.
#
# git calls this with the file that holds the message; a status other than 0 stops the commit.
#   git config gerrit.createChangeId false     turns it off
#   git config gerrit.createChangeId always    also for "fixup! ...", "squash! ..." and the like
#   git config gerrit.reviewUrl URL            writes "Link: URL/id/I..." instead of "Change-Id: I..."

set -u

message=${1:-}
if [ ! -f "$message" ]; then
    echo "commit-msg: the file with the commit message has to be given" >&2
    exit 1
fi

wanted=$(git config --get gerrit.createChangeId | tr '[:upper:]' '[:lower:]')
case "$wanted" in
    false | no | off | 0) exit 0 ;;
esac

# What git will keep: no comments, and nothing from the scissors line on.
text=$(sed '/^[^ ]* -\{8,\} >8 -\{8,\}$/,$d' "$message" | git stripspace --strip-comments)
if [ -z "$text" ]; then
    echo "commit-msg: the commit message is empty" >&2
    exit 1
fi

# A commit that will be melted into another one needs no name of its own.
if [ "$wanted" != always ] && printf '%s\n' "$text" | sed 1q | LC_ALL=C grep -q '^[a-z][a-z]*! '; then
    exit 0
fi

trailers=$(printf '%s\n' "$text" | git interpret-trailers --parse --no-divider)
if printf '%s\n' "$trailers" | LC_ALL=C grep -q -i -e '^change-id:' -e '^link:.*/id/I[0-9a-f]\{40\}$'; then
    exit 0
fi

id=I$({
    git var GIT_COMMITTER_IDENT
    git rev-parse -q --verify HEAD || git hash-object -t tree /dev/null
    cat "$message"
} | git hash-object --stdin | cut -c1-40)

url=$(git config --get gerrit.reviewUrl)
if [ -n "$url" ]; then
    trailer="Link: ${url%/}/id/$id"
else
    trailer="Change-Id: $id"
fi

new=$message.$$
trap 'rm -f "$new" "$new.moved"' EXIT
trap 'exit 1' HUP INT TERM

git interpret-trailers --no-divider --where end --if-exists add --if-missing add \
    --trailer "$trailer" < "$message" > "$new" || exit 1

# Sign-offs stay last: move the new line above the first one of its paragraph.
TRAILER=$trailer awk '
    { line[NR] = $0 }
    $0 == ENVIRON["TRAILER"] { at = NR }
    END {
        to = at
        for (n = at - 1; n > 0 && line[n] != ""; n--)
            if (tolower(line[n]) ~ /^signed-off-by:/) to = n
        for (n = 1; n <= NR; n++) {
            if (n == to) print line[at]
            if (n != at) print line[n]
        }
    }' "$new" > "$new.moved" || exit 1

cat "$new.moved" > "$message"
"""


class Kind(Enum):
    """What stands where git looks for the hook."""

    MISSING = "missing"
    NOT_EXECUTABLE = "not executable"
    CURRENT = "current"
    OTHER = "another one that makes Change-Ids"
    FOREIGN = "another tool's"


@dataclass(frozen=True, slots=True)
class Hook:
    """The hook of one repository.

    :ivar path: where git looks for it. :ivar makes_ids: whether it would make Change-Ids, runnable or not.
    """

    path: Path
    kind: Kind
    makes_ids: bool = True

    @property
    def runs(self) -> bool:
        """Whether git would run it."""
        return self.kind not in (Kind.MISSING, Kind.NOT_EXECUTABLE)


def look(directory: Path) -> Hook:
    """Which hook a directory of hooks holds."""
    path = directory / NAME
    if not path.exists():
        return Hook(path, Kind.MISSING)
    text = ""
    with contextlib.suppress(OSError):
        text = path.read_text("utf-8", "replace")
    makes_ids = "Change-Id" in text
    if not os.access(path, os.X_OK):
        return Hook(path, Kind.NOT_EXECUTABLE, makes_ids)
    if text == COMMIT_MSG:
        return Hook(path, Kind.CURRENT)
    return Hook(path, Kind.OTHER if makes_ids else Kind.FOREIGN, makes_ids)


def install(hook: Hook, text: str = COMMIT_MSG, *, replace: bool = False) -> None:
    """Put the hook where git looks for it, in one move; one that only lacks the permission to run gets that.

    The owner may do all, and who may read it may run it. :raises OSError: the directory cannot be written.

    :param replace: one that only lacks the permission is replaced, too.
    """
    if hook.kind is Kind.NOT_EXECUTABLE and not replace:
        hook.path.chmod(_runnable(hook.path.stat().st_mode))
        return
    import tempfile

    hook.path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{NAME}.", dir=hook.path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        new.chmod(0o755)
        new.replace(hook.path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _runnable(mode: int) -> int:
    return mode & 0o7777 | 0o700 | (mode & 0o044) >> 2
