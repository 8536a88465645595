"""Every sentence that `git review` says, and the exit code that goes with each refusal; prints nothing.

Programs look for fragments of what git-review 2.5.0 says: these stay in the sentences.

=====  =============================================================================
code   meaning (up to 71 those of git-review 2.5.0, each with its first meaning)
=====  =============================================================================
1      refused, or failed in a way that has no code of its own
2      usage; the hook cannot be installed
3      malformed names of reviewers or hashtags; a mistake in this program
4      --status: something in the stack needs attention
32 33  the open changes cannot be asked for; the answer makes no sense
34     a change cannot be asked for
35 36  there is no such change, or the answer makes no sense; the change has no patchset
37 38  a patchset cannot be fetched; there is no such patchset
39     --compare without two different patchsets
40     the server cannot be reached with any user name
64 65  a new branch, an existing branch cannot be checked out
66 67  a branch cannot be reset over local edits; an upstream cannot be set
68     no branch is checked out
70     no repository
71     a custom script failed
72 73  --finish: the target branch cannot be checked out; the old one cannot be deleted
74 75  a cherry-pick failed; a branch of that name follows another upstream
130    interrupted
other  what `git push` ended with
=====  =============================================================================
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from git_review.errors import PushRefused, ReviewError

CONFIRM = "Type 'yes' to confirm, other to cancel: "
RUNNING = "Running: {}"
LEFT_OUT = "Left out: {}"
HOOK_INSTALLED = "Installed the Change-Id hook as {}"
HOOK_LEFT_OUT = "Left out: installing the Change-Id hook as {}"
HOOK_MODE_LEFT_OUT = "Left out: making the hook {} executable"
FOREIGN_HOOK = "{} is another tool's hook and makes no Change-Ids; it is left as it is."
AMENDING = "Committed before the hook was there. Amending the commit to add a Change-Id: {}"
REMOTE_MADE = "Creating a git remote called '{}' that maps to:\n\t{}"
PUSH_URL_MADE = "Adding a git push url to '{}' that maps to:\n\t{}"
REMEMBER_USERNAME = "To use this user name everywhere: git config --global gitreview.username NAME"
ASK_USERNAME = "{} did not work. Could not connect to gerrit.\nEnter your gerrit username: "
NO_NEW_CHANGES = "No new changes: the server has exactly these commits already."
NOTHING_COMMITTED = "No new changes: nothing is committed that {} does not have. Did you forget to commit?"
NOTHING_NEW_FOR_SERVER = "(no new changes)"
NEW_CHANGE_ID = "Amending the commit to regenerate the change id: {}"
ADDING_CHANGE_ID = "Adding the Change-Id that is missing"
ADDING_CHANGE_IDS = "Adding the Change-Ids that are missing"
SIGNATURES_LOST = "The commits that were made anew have no signature any more."
SWITCHED_BACK = "Switched to branch '{}'"
BRANCH_DELETED = "Deleted branch '{}'"
SUBMIT_ABOVE = "Do you really want to submit the above commits?"
SUBMIT_THIS = "Do you really want to submit this review?"
ADD_CHANGE_IDS = "Do you want to add them?"
DRY_RUN_PUSH = "Please use the following command to send your commits to review:"

_SHOWN_COMMITS = 50


def clean(text: str) -> str:
    """The text without control and format characters, tabs and line ends apart: for what came from elsewhere."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char)[0] != "C")


# What goes on


def hook_made_executable(path: object, makes_ids: bool) -> str:
    """A hook that was there was not run so far."""
    if makes_ids:
        return f"Made the Change-Id hook {path} executable"
    return f"Made {path} executable, which git did not run so far; it is another tool's and makes no Change-Ids."


def setting(name: str, value: str, origin: str) -> str:
    """What -v tells of what is set."""
    return f"Setting: {name} is {clean(value)!r} from {clean(origin)}"


def waiting(line: str, limit: float | None) -> str:
    """What is waited for."""
    until = "" if limit is None else f", for at most {limit:g} s of silence"
    return f"Waiting for an answer to: {clean(line)}{until}"


def check_in_place_of(remote: str, branch: str) -> str:
    """What -v tells of the check; people and programs look for the command of former versions."""
    return (
        f"In memory, in place of Running: git rebase --rebase-merges -i remotes/{remote}/{branch}\n"
        "(git merge-tree, commit by commit; your work tree stays as it is)"
    )


def check_passed(count: int, remote: str, branch: str) -> str:
    """The outcome of the check."""
    if count == 0:
        return f"HEAD contains all of {remote}/{branch}"
    return f"{count} commit(s) still apply on {remote}/{branch}"


def check_impossible(details: str) -> str:
    """Neither way of trying works."""
    return f"This git cannot try whether the commits still apply; going on without that check.\n{clean(details)}"


def several(commits: Sequence[tuple[str, str, str]], lacking: int) -> str:
    """What the person should know before several changes go up.

    :param commits: id, subject, and what they are to the server. :param lacking: how many get a Change-Id first.
    """
    note = f"\n{lacking} of them {'has' if lacking == 1 else 'have'} no Change-Id and will be made anew with one."
    return (
        "You are about to submit multiple commits. Each of them becomes a change, or a new patchset of one.\n"
        "That is right when they depend on one another; if they do not, put them on branches of their own.\n"
        f"\nThe outstanding commits are:\n\n{listed(commits)}\n{note if lacking else ''}"
    )


def nothing_new(remote: str) -> str:
    """What the person should know before a push of what the server has."""
    return f"No commit of HEAD is new: all are on a branch of {remote} already. Did you forget to commit?\n"


def listed(commits: Sequence[tuple[str, str, str]]) -> str:
    """Commits, one a line. :param commits: id, subject, and what there is to say of them."""
    lines = [
        f"{sha[:10]} {clean(subject)}" + (f"  ({clean(what)})" if what else "")
        for sha, subject, what in commits[:_SHOWN_COMMITS]
    ]
    if len(commits) > _SHOWN_COMMITS:
        lines.append(f"... and {len(commits) - _SHOWN_COMMITS} more")
    return "\n".join(lines)


def no_change_ids(commits: Sequence[tuple[str, str, str]]) -> str:
    """What the person should know before commits get their Change-Ids."""
    return (
        f"These commits have no Change-Id, so the server could not tell which change they are:\n\n{listed(commits)}\n\n"
        "Adding them makes these commits, and those above them, anew; their files stay as they are."
    )


def not_asked(reason: str) -> str:
    """Why nothing is known of the changes."""
    return f"Left out: asking the server what it knows of these commits ({clean(reason)})"


def uploaded(sha: str, number: int, url: str) -> str:
    """Where a commit went."""
    return f"{sha[:10]} is change {number}: {clean(url)}"


# What is refused


def usage(brief: str, hint: str = "") -> ReviewError:
    """The command line makes no sense."""
    return ReviewError(brief, hint=hint or "git review --help lists the options", exit_code=2)


def no_answer(option: str) -> ReviewError:
    """A question that nobody answered."""
    return ReviewError("nobody is there to answer, so nothing was uploaded", hint=option)


def cancelled() -> ReviewError:
    """The answer was no."""
    return ReviewError("Aborting. Nothing was uploaded.")


def white_space(kind: str, name: str) -> ReviewError:
    """A name with a blank in it."""
    return ReviewError(
        f"{name!r} cannot be a {kind}: there is white space or a control character in it",
        hint="give several names as several words",
        exit_code=3,
    )


def bad_topic(topic: str) -> ReviewError:
    """A topic that the server would refuse."""
    return usage(f"{topic!r} cannot be a topic", "a topic has no double quote, no control character, and is not empty")


def bad_vote(vote: str) -> ReviewError:
    """A vote that the server would not understand, or take for something else."""
    return usage(f"{vote!r} cannot be a vote", "a vote is a label and a signed number: --label Code-Review+1")


def no_such_base(name: str) -> ReviewError:
    """--base without a commit."""
    return usage(f"{name!r} is no commit here", "--base takes what git log takes, or a full commit id of the server's")


def not_applied(options: Sequence[str], status: int) -> PushRefused:
    """The server has the commits, and what it was told with them went nowhere."""
    return PushRefused(
        "No new changes: the server has exactly these commits already, and so applied none of the options",
        details="not applied: " + ", ".join(clean(option) for option in options),
        hint="the server does that in its pages only; or git commit --amend makes a new patchset, which takes them",
        exit_code=status,
    )


def topic_left_out(topic: str, others: Sequence[str]) -> str:
    """Why the changes without a topic get none."""
    return (
        f"Left out: the topic {clean(topic)}, as other changes of the upload have another one on the server"
        f" ({', '.join(clean(other) for other in others)}); -t sets one for all"
    )


def bad_branch(name: str) -> ReviewError:
    """No branch can be called that."""
    return usage(f"{name!r} cannot be a branch")


def no_server_known(remote: str, file: object) -> ReviewError:
    """No remote, and nothing to make one of."""
    return ReviewError(
        f"There is no remote {remote}, and no '.gitreview' file found in this repository names host and project",
        details=f"We don't know where your gerrit is. {file} should say so: [gerrit], host=..., project=...",
        hint=f"write that file, or: git remote add {remote} URL",
    )


def no_remote_to_push_to(remote: str) -> ReviewError:
    """Push-URL mode without the remote."""
    return ReviewError(f"there is no remote {remote} that could get a push URL", hint=f"git remote add {remote} URL")


def unreachable(url: str, details: str) -> ReviewError:
    """Setting up failed."""
    return ReviewError(
        f"Could not connect to gerrit at {url}",
        details=details,
        hint="is gitreview.username your name on the server, and your key or password known to it?",
        exit_code=40,
    )


_NO_WAY = (
    ("Could not resolve host", "there is no such host, or its name cannot be looked up: check gitreview.host"),
    ("Name or service not known", "there is no such host, or its name cannot be looked up: check gitreview.host"),
    ("Connection refused", "nothing answers there: check gitreview.host and gitreview.port, or wait for the server"),
    ("Failed to connect", "nothing answers there: check gitreview.host and gitreview.port, or wait for the server"),
    ("Couldn't connect", "nothing answers there: check gitreview.host and gitreview.port, or wait for the server"),
    ("No route to host", "check the network"),
    ("Network is unreachable", "check the network"),
    ("timed out", "nothing answers there: check gitreview.host, gitreview.port and the network"),
    ("no word came from the server", "is that the port of a Gerrit? gitreview.timeout says how long it is waited for"),
    (
        "Host key verification failed",
        "ssh does not know the server's key, or another one: connect once with ssh itself",
    ),
    ("kex_exchange_identification", "what answers there is no ssh server, or refuses: check gitreview.port"),
    ("Connection closed by", "what answers there is no ssh server, or refuses: check gitreview.port"),
    ("Connection reset by", "what answers there is no ssh server, or refuses: check gitreview.port"),
)


def no_way_to(words: str) -> bool:
    """Whether git's complaint is that the server itself cannot be had, whatever the user's name is."""
    return "Permission denied" not in words and any(text in words for text, _ in _NO_WAY)


def no_server(url: str, details: str) -> ReviewError:
    """No user name would help."""
    hint = next(hint for text, hint in _NO_WAY if text in details)
    return ReviewError(f"Could not connect to gerrit at {url}", details=details, hint=hint, exit_code=40)


def hook_not_written(path: object, reason: str) -> ReviewError:
    """The hook cannot be installed."""
    return ReviewError(
        f"the Change-Id hook cannot be written as {path}: {reason}",
        hint=f"git config --show-origin core.hooksPath tells who set the folder; without the hook, {_WITHOUT_HOOK}",
        exit_code=2,
    )


_WITHOUT_HOOK = "uploads add the Change-Ids that are missing"


def without_hook(path: object, reason: str) -> str:
    """An upload does not need the hook."""
    return f"The Change-Id hook cannot be written as {path}: {reason}. Going on without it: {_WITHOUT_HOOK}."


def hooks_off(place: object, scope: str) -> str:
    """The person has switched hooks off."""
    why = f"Hooks are switched off (core.hooksPath is {place}, {scope})"
    return f"{why}, so no Change-Id hook is installed: {_WITHOUT_HOOK}."


def hook_switched_off(told: str) -> ReviewError:
    """Setting up was to install it."""
    return ReviewError(
        told, hint="git config --show-origin core.hooksPath tells who has switched them off", exit_code=2
    )


def shared_hooks(place: object, scope: str) -> str:
    """An upload does not touch what is not this repository's alone."""
    return (
        f"The hooks in {place} are not those of this repository alone (core.hooksPath, {scope}), so no Change-Id hook"
        f" is installed there: {_WITHOUT_HOOK}; git review -s asks whether to install it all the same."
    )


def install_shared_hook(place: object, scope: str) -> str:
    """The question whether other repositories may get the hook, too."""
    return (
        f"core.hooksPath ({scope}) has git look for hooks in {place}, for other repositories, too.\n"
        "Their commits would get Change-Ids as well. Do you want the Change-Id hook to be installed there?"
    )


SHARED_HOOKS_LEFT = "The hooks in {} are left as they are: " + _WITHOUT_HOOK + "; --yes installs the hook there."


def unstaged() -> ReviewError:
    """Edits that are not staged."""
    return ReviewError("You have unstaged changes. Please commit or stash them, then try again.", hint=_R_SKIPS)


def uncommitted() -> ReviewError:
    """Staged edits that are not committed."""
    return ReviewError("You have uncommitted changes. Please commit or stash them, then try again.", hint=_R_SKIPS)


_R_SKIPS = "-R uploads what is committed, and does not try whether it still applies"


def no_commit() -> ReviewError:
    """An unborn branch."""
    return ReviewError("there is no commit to upload yet")


def no_such_branch(remote: str, branch: str) -> ReviewError:
    """The target branch is not there."""
    return ReviewError(
        f"The branch '{branch}' does not exist on the given remote '{remote}'",
        hint="name another branch; or, if it is to be made by the upload, use -R",
    )


def cannot_fetch(remote: str, details: str) -> ReviewError:
    """No answer to a fetch."""
    return ReviewError(
        f"{remote} cannot be fetched from, so nothing was uploaded",
        details=details,
        hint=next((hint for text, hint in _NO_WAY if text in details), "-R uploads without asking first"),
    )


def conflict(place: tuple[str, str], commit: tuple[str, str], files: Sequence[str], kept: bool = False) -> ReviewError:
    """The commits do not apply any more.

    :param place: remote and branch. :param commit: id and subject of the first that does not apply.
    :param kept: a rebase is in progress in the person's tree.
    """
    name = "/".join(place)
    sha, subject = commit
    after = "the rebase is left in progress: solve the conflict, then git rebase --continue (or --abort)"
    else_ = f"git rebase {name}, or -R to upload all the same, or -K to get the conflict into your work tree"
    rebase = f"Errors running git rebase --rebase-merges -i remotes/{name}"
    return ReviewError(
        rebase if kept else f"the commits do not apply on {name} any more",
        details=(
            "It is likely that your change has a merge conflict:\n"
            f"commit {sha[:10]} ({clean(subject)}) does not apply on {name}; in conflict:\n"
            + "\n".join(f"    {clean(file)}" for file in files)
            + (
                ""
                if kept
                else f"\nIt was tried in memory, in place of what ends with: {rebase}\nYour work tree is as it was."
            )
        ),
        hint=after if kept else else_,
    )


def unrelated(remote: str, branch: str) -> ReviewError:
    """No common history."""
    return ReviewError(
        f"HEAD and {remote}/{branch} have no history in common", hint="is it the right branch, and remote?"
    )


def rebase_failed(place: tuple[str, str], details: str, *, conflict: bool = False) -> ReviewError:
    """-F failed, and was undone."""
    name = "/".join(place)
    likely = "It is likely that your change has a merge conflict. " if conflict else ""
    kept = "-K leaves the conflict in your work tree for you to solve"
    return ReviewError(
        f"Errors running git rebase --rebase-merges -i remotes/{name}",
        details=f"{likely}The rebase was undone.\n{details}",
        hint=kept if conflict else "there was no conflict: git's words above say why",
    )


def same_change_id(commits: Sequence[tuple[str, str]]) -> ReviewError:
    """Two commits that claim to be one change."""
    return ReviewError(
        "several of the commits have the same Change-Id",
        details=listed([(sha, subject, "") for sha, subject in commits]),
        hint="git rebase -i, and squash them into one, or take the Change-Id out of all but one",
    )


def behind(commits: Sequence[tuple[str, str, int, str]]) -> ReviewError:
    """Somebody uploaded a newer patchset."""
    return ReviewError(
        "the server has newer patchsets that these commits were not made of, and this upload would bury them",
        details=listed([(sha, subject, f"change {number}: {what}") for sha, subject, number, what in commits]),
        hint=f"git review -d {commits[0][2]} gets the newest one; --force uploads all the same",
    )


def closed(commits: Sequence[tuple[str, str, int, str]]) -> ReviewError:
    """The server takes no patchset for a change that is merged or abandoned."""
    return ReviewError(
        "these changes are closed on the server, which takes no new patchset for them",
        details=listed([(sha, subject, f"change {number}: {what}") for sha, subject, number, what in commits]),
        hint="rebase merged ones away, restore abandoned ones, or git review -i makes HEAD a new change",
    )


def script_failed(files: Sequence[object]) -> ReviewError:
    """A pre-review or post-review script said no."""
    return ReviewError(
        f"a custom script failed: {', '.join(str(file) for file in files)}",
        hint="--no-custom-script goes on without them",
        exit_code=71,
    )


def amend_failed(details: str) -> ReviewError:
    """HEAD's message could not be changed."""
    return ReviewError(
        "HEAD has no Change-Id, and git would not amend it", details=details, hint="git commit --amend, then try again"
    )


def push_fell_silent(details: str) -> PushRefused:
    """What the server had got by then, nobody knows."""
    return PushRefused(
        "the upload was given up",
        details=details,
        hint="git review --status tells whether it arrived; git config gitreview.timeout N waits longer",
        exit_code=1,
    )


def push_failed(status: int, output: str) -> PushRefused:
    """git's or the server's refusal, which the person has read already."""
    for text, hint in _PUSH_HINTS:
        if text in output:
            return PushRefused("the upload failed", hint=hint, exit_code=status)
    return PushRefused("the upload failed", hint="the words above say why", exit_code=status)


_PUSH_HINTS = (
    ("Missing tree", "Consider trying again with --no-thin"),
    (
        "nvalid Change-Id",
        "git commit --amend and make that line `Change-Id: I` and 40 hexadecimal digits, or remove it",
    ),
    ("hange-Id", "git review -s installs the hook; then git commit --amend gives HEAD its Change-Id"),
    ("Permission denied (publickey", "is your ssh key on the server, and gitreview.username your name there?"),
    ("Authentication failed", "the HTTP password comes from the server's settings page, not from your login"),
    ("does not support push options", "-T leaves out the topic; leave out options with blanks or commas, too"),
)


def nothing_to_finish(code: int) -> ReviewError:
    """-f without a branch to remove."""
    return ReviewError(
        "--finish removes the branch that is checked out, and there is none that can be removed",
        hint="nothing was uploaded; leave out -f",
        exit_code=code,
    )


def not_finished(branch: str, details: str, code: int) -> ReviewError:
    """-f failed after a good push."""
    return ReviewError(f"the upload went well, but {branch} is still there", details=details, exit_code=code)


def following(tracked: tuple[str, str], default: tuple[str, str]) -> str:
    """What tracking decides. Both are remote and branch."""
    return f"Following tracked {'/'.join(tracked)} rather than default {'/'.join(default)}"


def no_upstream() -> ReviewError:
    """Tracking with a detached HEAD."""
    return ReviewError(
        "there is no branch checked out whose upstream could be followed", hint="--no-track", exit_code=68
    )


def bug(kind: str, file: object) -> ReviewError:
    """A mistake in this program."""
    return ReviewError(
        f"git review made a mistake ({kind})", hint=f"please report it with the file {file}", exit_code=3
    )
