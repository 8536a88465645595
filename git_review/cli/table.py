"""The options as data, in the groups in which `--help` shows them; it parses nothing and knows no meaning."""

from __future__ import annotations

from git_review.records import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    :ivar names: the spellings, short one first. :ivar value: what its value is called; "" for a flag.
    :ivar many: it takes all words up to the next option. :ivar count: giving it twice means more.
    :ivar repeat: it may be given several times. :ivar default: the value when it is given without one.
    :ivar since: the first version that has it: 2 is git-review 2.5.0, whose abbreviations stay what they were.
    """

    names: tuple[str, ...]
    text: str
    value: str = ""
    choices: tuple[str, ...] = ()
    many: bool = False
    count: bool = False
    repeat: bool = False
    default: str = ""
    since: int = 2

    @property
    def long(self) -> str:
        """The spelling that begins with two hyphens; the first one."""
        return next(name for name in self.names if name.startswith("--"))

    @property
    def key(self) -> str:
        """What the value is found by."""
        return self.long[2:].replace("-", "_")


def _flag(names: str, text: str, *, new: bool = False, count: bool = False) -> Option:
    return Option(tuple(names.split()), text, count=count, since=3 if new else 2)


def _value(names: str, value: str, text: str, *, new: bool = False, repeat: bool = False) -> Option:
    return Option(tuple(names.split()), text, value, repeat=repeat, since=3 if new else 2)


def _many(names: str, value: str, text: str) -> Option:
    return Option(tuple(names.split()), text, value, many=True)


_NOTIFY = ("NONE", "OWNER", "OWNER_REVIEWERS", "ALL")

VIEWS = ("needs-review", "no-objections", "one-vote", "forgotten", "mine")
"""The lists that `--view` has."""

GROUPS: tuple[tuple[str, tuple[Option, ...]], ...] = (
    (
        "What to do (without any of these: upload HEAD's commits)",
        (
            _flag("-s --setup", "Make the remote and install the Change-Id hook."),
            _value("-d --download", "CHANGE[,PS]", "Check a change, or the newest of topic:NAME, out as review/N."),
            _value("-x --cherrypick", "CHANGE[,PS]", "Cherry-pick a change onto the current branch."),
            _value("-X --cherrypickindicate", "CHANGE[,PS]", "The same, and the message names the original."),
            _value("-N --cherrypickonly", "CHANGE[,PS]", "The same, without committing."),
            _value("-m --compare", "CHANGE,PS[-NEW]", "Show how two patchsets differ; nothing is checked out."),
            _flag("-l --list", "List open changes; -ll with topics, -lll with votes and URLs.", count=True),
            _flag("--status", "Show the state on the server of HEAD's commits; 4 if one needs attention.", new=True),
            Option(
                ("--completion",), "Print what a shell wants for completion.", "SHELL", ("bash", "zsh", "fish"), since=3
            ),
            _flag("-h --help", "Show this."),
            _flag("--version", "Show which git-review this is."),
            _flag("--license", "Show the licence."),
        ),
    ),
    (
        "How to upload",
        (
            _flag("-n --dry-run", "Change nothing; print the push command."),
            _flag("-y --yes", "Take every question as answered with yes."),
            _flag("-i --new-changeid", "Give HEAD a new Change-Id, so that it becomes a new change."),
            _flag("-R --no-rebase", "Do not try whether the commits still apply on the target branch."),
            _flag("-F --force-rebase", "Rebase on the target branch, and upload the result."),
            _flag("-K --keep-rebase", "On a conflict, leave a rebase in progress to solve it in."),
            _flag("-f --finish", "After a good upload, remove the branch and go back to the target branch."),
            _flag("--force", "Upload over newer patchsets and for closed changes, too.", new=True),
            _flag("--no-thin", "Push without thin packs, against `Missing tree`."),
            _flag("--no-custom-script", "Do not run pre-review and post-review scripts."),
        ),
    ),
    (
        "What the server is told",
        (
            _value("-t --topic", "TOPIC", "The topic; by default what HEAD's message refers to (bug, blueprint)."),
            _flag("-T --no-topic", "No topic."),
            _many("--hashtags", "TAG...", "Add hashtags."),
            _many("--reviewers", "WHO...", "Add reviewers."),
            _many("--cc", "WHO...", "Add people in copy."),
            _flag("-w --wip --work-in-progress", "Mark as work in progress."),
            _flag("-W --ready", "Mark as ready for review."),
            _flag("-p --private", "Make private."),
            _flag("-P --remove-private", "Make public."),
            Option(("--notify",), "Who gets mail.", "WHOM", _NOTIFY),
            _value("--message", "TEXT", "Describe the patchset."),
        ),
    ),
    (
        "What the server is told, too",
        (
            _value("--label", "LABEL[+-]N", "Vote, such as Code-Review+1.", new=True, repeat=True),
            _value("--custom-keyed-value", "KEY:VALUE", "Add a keyed value.", new=True, repeat=True),
            _value(
                "--base",
                "COMMIT",
                "What the changes are based on, for merged or cherry-picked commits.",
                new=True,
                repeat=True,
            ),
            _flag("--edit", "Upload as a change edit.", new=True),
            _flag("--submit", "Submit at once.", new=True),
            _flag("--merged", "Make changes of commits that are merged already.", new=True),
            _flag("--publish-comments", "Publish your draft comments.", new=True),
            _flag("--no-publish-comments", "Do not, whatever your preferences say.", new=True),
            _value("--notify-to", "WHO", "Send mail to them.", new=True, repeat=True),
            _value("--notify-cc", "WHO", "Send them a copy.", new=True, repeat=True),
            _value("--notify-bcc", "WHO", "Send them a blind copy.", new=True, repeat=True),
            _flag("--ignore-attention-set", "Leave the attention set as it is.", new=True),
            _flag("--skip-validation", "Skip the server's validation, if you may.", new=True),
            _value("--deadline", "TIME", "Give up after so long, such as 5m.", new=True),
            _value("--trace", "ID", "Trace the upload in the server's log.", new=True),
            _value("-o --push-option", "OPTION", "Any other option for git push -o.", new=True, repeat=True),
        ),
    ),
    (
        "Downloads and lists",
        (
            _flag("--chain", "With -d: the whole chain that the change stands in.", new=True),
            _value("--worktree", "FOLDER", "With -d: into a new work tree.", new=True),
            _value("--query", "QUERY", "List what this Gerrit query finds, of all projects.", new=True),
            Option(("--view",), "List what needs you.", "NAME", VIEWS, since=3),
            _value("--limit", "N", "List at most N.", new=True),
            _value("--start", "N", "Leave out the first N.", new=True),
        ),
    ),
    (
        "Where, and how it is told",
        (
            _value("-r --remote", "NAME", "The remote to use."),
            _flag("--use-pushurl", "Give the remote origin a push URL in place of a second remote."),
            _flag("--track", "Upload for the branch that the current one follows."),
            _flag("--no-track", "Do not."),
            _flag("-u --update", "Fetch the remote first, and refresh the hook."),
            _flag("--remote-hook", "Take the Change-Id hook from the server."),
            _flag("-v --verbose", "Tell each command that runs, and what is set."),
            _flag("--json", "Results as JSON on standard output, all else on standard error.", new=True),
            Option(("--color",), "Use colors.", "WHEN", ("always", "never", "auto"), default="always"),
            _flag("--no-color", "The same as --color=never."),
        ),
    ),
)

OPTIONS = tuple(option for _, group in GROUPS for option in group)


def help_text(width: int = 78) -> str:
    """What `--help` says: one screen a group."""
    lines = [
        "Usage: git review [OPTIONS] [BRANCH]",
        "",
        "Upload the commits of HEAD for review to Gerrit, for BRANCH (by default the project's own).",
    ]
    for title, options in GROUPS:
        lines += ["", f"{title}:"]
        for option in options:
            lines += _entry(option, width)
    return "\n".join(lines)


def _entry(option: Option, width: int) -> list[str]:
    value = f" {option.value}" if option.value else ""
    names = ", ".join(option.names) + ("[=WHEN]" if option.default else value)
    text = option.text + (f" One of {', '.join(option.choices)}." if option.choices else "")
    from textwrap import wrap

    head = f"  {names}"
    folded = wrap(text, width - 30)
    if len(head) > 28:
        return [head, *(" " * 30 + line for line in folded)]
    return [f"{head:<30}{folded[0]}", *(" " * 30 + line for line in folded[1:])]
