"""The commit-msg hook that gives commits their Change-Ids: find, judge, install; never replaces another tool's hook.

The text follows the algorithm of Gerrit's own hook (prefix ``I``, git's blob hash over the committer, HEAD and the
message), so that either may be installed. Where it differs, and why, tests/git_review/test_commit_msg.py tells. What it
takes for a Change-Id is :func:`git_review.git.trailers.naming`'s notion.
"""

from __future__ import annotations

import contextlib
import os
from enum import Enum
from pathlib import Path

from git_review.records import dataclass

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

# What git will take out afterwards: comments, and all from the scissors line on, mostly where a person edited the
# message. Where nobody did, git gives its hooks ":" for an editor, and a line that begins with "#" is text like others.
edited=yes
[ "${GIT_EDITOR:-}" != : ] || edited=no
case "$(git config --get commit.cleanup):$edited" in
    strip:* | default:yes | :yes) comments=yes ;;
    *) comments=no ;;
esac
comment=$(git config --get-regexp '^core\.comment(char|string)$' | sed -n '$s/^[^ ]* //p')

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
trap 'rm -f "$new"' EXIT
trap 'exit 1' HUP INT TERM

LC_ALL=C WANTED=$wanted EDITED=$edited COMMENTS=$comments COMMENT=${comment:-#} TRAILER=$trailer awk '
function is_comment(row) { return substr(row, 1, length(comment)) == comment }
function is_scissors(row) { return row ~ /^[^ ]+ -------+ >8 -------+$/ }
# With "auto" git takes a character that the message has not; its own lines at the end show which.
function chosen(   n) {
    for (n = 1; n <= NR; n++)
        if (is_scissors(line[n])) return substr(line[n], 1, 1)
    for (n = NR; n > 0; n--)
        if (line[n] != "") return line[n] ~ /^[#;@!$%^&|:]([ \t]|$)/ ? substr(line[n], 1, 1) : "#"
    return "#"
}
# A line that names a change, or that a person takes for one: indented, quoted, in a list, with something behind it.
function is_meant(row) {
    row = tolower(row)
    sub(/^[^a-z0-9]*([0-9]+[.)])?[^a-z0-9]*/, "", row)
    return row ~ /^change-id[^a-z0-9]*:[^a-z0-9]*i[0-9a-f][0-9a-f][0-9a-f][0-9a-f]/ \
        || (row ~ /^link[^a-z0-9]*:[^a-z0-9]*https?:\/\/[^ \t]+\/id\/i[0-9a-f]+/ && hex_at_end(row) >= 40)
}
function hex_at_end(row) {
    return match(row, /\/id\/i[0-9a-f]+/) ? RLENGTH - 5 : 0
}
function is_good(row) {
    if (row ~ /^[Cc][Hh][Aa][Nn][Gg][Ee]-[Ii][Dd]:[ \t]*[Ii][0-9a-f][0-9a-f][0-9a-f][0-9a-f]+$/) return 1
    row = tolower(row)
    return (row ~ /^link:[ \t]*[^ \t]+\/id\/i[0-9a-f]+$/ && hex_at_end(row) == 40)
}
# Whether git would add a trailer to the last paragraph: all lines are trailers; or a quarter, with one of its own.
function is_block(   n, ours, others, own, continues, known) {
    for (n = last; n <= count; n++) {
        if (text[n] ~ /^[ \t]/) { if (!continues) others++; continue }
        own = text[n] ~ /^(Signed-off-by: |\(cherry picked from commit )/
        continues = own || text[n] ~ /^[A-Za-z0-9-]+[ \t]*:/
        if (own) known = 1
        if (continues) ours++; else others++
    }
    return (known && ours * 3 >= others) || (ours && !others)
}
# The message as git will keep it; its last paragraph begins at the line of that number.
function take(without_comments,   n, row) {
    count = said = 0
    for (n = 1; n <= NR; n++) {
        row = line[n]
        sub(/[ \t\r]+$/, "", row)
        if (is_scissors(row) && is_comment(row) && (ENVIRON["EDITED"] == "yes" || is_comment(line[n + 1]))) break
        if (row != "" && !is_comment(row)) said = 1
        if (without_comments && is_comment(row)) continue
        if (row == "" && (count == 0 || text[count] == "")) continue
        text[++count] = row
        at[count] = n
    }
    if (count > 0 && text[count] == "") count--
    for (last = count; last > 1 && text[last - 1] != ""; last--);
}
# Whether it names a change where Gerrit reads it; otherwise the line that is meant to.
function is_named(   n, footer) {
    meant = ""
    for (n = 1; n <= count; n++) {
        footer = n >= last && n > 1
        if (footer && is_good(text[n])) return 1
        if (is_meant(text[n]) || (footer && tolower(text[n]) ~ /^change-id:/)) meant = text[n]
    }
    return 0
}
{ line[NR] = $0 }
END {
    comment = ENVIRON["COMMENT"]
    if (comment == "auto") comment = chosen()
    take(ENVIRON["COMMENTS"] == "yes")
    # A file that begins with an empty line and comments is what git offers to be edited, and nobody wrote in it.
    if (count < 1 || (!said && line[1] == "")) exit 11
    # A commit that will be melted into another one needs no name of its own.
    if (ENVIRON["WANTED"] != "always" && text[1] ~ /^[a-z]+! /) exit 10
    if (is_named()) exit 10
    if (meant != "") {
        # An editor may be called ":" by its user, too; then the comments go.
        text_meant = meant
        take(1)
        if (is_named()) exit 10
        print text_meant
        exit 12
    }

    # Sign-offs stay last.
    within = last > 1 && is_block()
    before = NR + 1
    for (n = last; within && n <= count; n++)
        if (tolower(text[n]) ~ /^signed-off-by:/) { before = at[n]; break }
    ending = line[at[count]] ~ /\r$/ ? "\r" : ""
    for (n = 1; n <= NR; n++) {
        if (n == before) print ENVIRON["TRAILER"] ending
        print line[n]
        if (n == at[count] && before > NR) {
            if (!within) print ending
            print ENVIRON["TRAILER"] ending
        }
    }
}' "$message" > "$new"
case $? in
    0) cat "$new" > "$message" ;;
    10) ;;
    11)
        echo "commit-msg: the commit message is empty" >&2
        exit 1
        ;;
    12)
        echo "commit-msg: no Change-Id was added: this line looks like one, where or how Gerrit does not read it:" >&2
        sed 's/^/    /' "$new" >&2
        echo "It has to be a line of its own in the last paragraph. git commit --amend lets you move or remove it." >&2
        ;;
    *) exit 1 ;;
esac
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


def passes_over(subject: str) -> bool:
    """Whether the hook gives no Change-Id to such a commit: ``fixup! ...``, and any other word of small letters."""
    word, mark, _ = subject.partition("! ")
    return bool(mark) and word.isascii() and word.isalpha() and word.islower()


def switched_off(directory: Path) -> bool:
    """Whether git looks for hooks where none can be, such as in ``/dev/null``."""
    return directory.exists() and not directory.is_dir()


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
