"""`git review`: HEAD's commits go up for review; the target branch and the commits' changes are all that it asks for.

Observe (read, fetch, ask, try to merge), then plan (pure), then carry out.
"""

from __future__ import annotations

import os
from contextlib import nullcontext, suppress
from functools import partial

from git_review import hooks, messages
from git_review.commands import check, early, known, own
from git_review.commands.context import Context, Rebase
from git_review.commands.finish import finish_steps
from git_review.commands.known import Known, Question, State
from git_review.commands.own import lacks_change_id
from git_review.commands.rebase import NO_EDITOR, rebase_step
from git_review.commands.refusals import refusals
from git_review.commands.scripts import POST, PRE, run_scripts
from git_review.commands.setup import ensure_remote, hook_steps, update
from git_review.errors import PushRefused
from git_review.git import repo
from git_review.git.early import Early
from git_review.git.errors import GitFailed
from git_review.git.refs import tracking
from git_review.git.runner import Pending
from git_review.messages import commits as said
from git_review.plan import Confirm, Git, Named, Push, Reword, Say, Step, carry_out
from git_review.pushspec import PushOptions, modest, push_words
from git_review.records import dataclass, replace
from git_review.topic import implied


@dataclass(frozen=True, slots=True)
class Observed:
    """What an upload is planned from.

    :ivar rebase: what is to be done about the target branch. :ivar known: the commits that would go up, newest first,
        and what they are to the server.
    :ivar asked: the server has told what it knows of them. :ivar landed: HEAD itself is in the target branch.
    :ivar hook_missing: git would not have run a Change-Id hook for them.
    :ivar hook: the steps that put it there. :ivar finish: the steps after a good push.
    :ivar told: the options for the server, the implied topic included.
    :ivar found: the commits again, and what is known of where they are from. :ivar target: the target branch's commit.
    """

    rebase: Rebase
    known: tuple[Known, ...]
    asked: bool
    landed: bool
    hook_missing: bool
    hook: tuple[Step, ...]
    finish: tuple[Step, ...]
    told: PushOptions
    found: own.Survey
    target: str | None

    @property
    def commits(self) -> tuple[repo.Commit, ...]:
        """The commits alone."""
        return tuple(entry.commit for entry in self.known)

    @property
    def nothing_new(self) -> bool:
        """The server has all of it, and is told nothing else."""
        if self.told.says_something or self.rebase is Rebase.FORCE:
            return False
        unchanged = all(entry.state is State.UNCHANGED for entry in self.known)
        return unchanged and (bool(self.known) or self.landed)

    @property
    def only_told(self) -> bool:
        """The server has all of it, and is told something of it."""
        unchanged = all(entry.state is State.UNCHANGED and entry.change is not None for entry in self.known)
        return self.told.says_something and bool(self.known) and unchanged and self.rebase is not Rebase.FORCE


def push(context: Context) -> None:
    """Upload. :raises ReviewError: it was refused, cancelled, or failed; then its exit code is git push's."""
    ensure_remote(context)
    run_scripts(context, PRE)
    with early.begin(context, check.wanted(context)) as connection:
        _upload(context, connection)


def _upload(context: Context, connection: Early | None) -> None:
    observed = observe(context, connection)
    if observed.nothing_new and not context.options.new_change_id:
        place = f"{context.remote}/{context.branch}"
        context.talk.say(messages.NO_NEW_CHANGES if observed.known else messages.NOTHING_COMMITTED.format(place))
        report(context, observed, "", None)
        _after(context, observed)
        return
    if observed.only_told and not context.options.dry_run and not context.options.new_change_id:
        from git_review.commands.retell import retell

        if connection is not None:
            connection.close()
        retell(context, observed.known, observed.told)
        report(context, observed, "", None)
        _after(context, observed)
        return
    steps = plan(observed, context, connection)
    if connection is not None and any(isinstance(step, (Confirm, Git)) for step in steps):
        connection.close()
    try:
        said = carry_out(steps, context.runner, context.talk)
    except PushRefused:
        run_scripts(context, POST)
        raise
    if not context.options.dry_run and any(isinstance(step, (Git, Reword)) for step in steps):
        observed = _rewritten(context, observed)
    report(context, observed, said, next(step.words for step in steps if isinstance(step, Push)))
    _after(context, observed)


def _after(context: Context, observed: Observed) -> None:
    """What follows a good upload: the branch goes, or the person's script runs; after a dry run always the script."""
    carry_out(observed.finish, context.runner, context.talk)
    if context.options.dry_run or not observed.finish:
        run_scripts(context, POST)


def observe(context: Context, connection: Early | None = None) -> Observed:
    """Read what the plan needs, fetch the target branch, ask the server, and try whether the commits still apply.

    :param connection: one that is open already, for the push.
    """
    if context.options.update:
        update(context)
    finish = finish_steps(context) if context.options.finish else ()
    rebase = check.wanted(context)
    state = nullcontext() if rebase is Rebase.NONE else repo.begin_state(context.runner)
    with state as looking, repo.begin_outgoing(context.runner, context.remote) as listing:
        question = _question(context, rebase, listing)
        unmoved = partial(early.unmoved, context, connection, question)
        target = check.target_of(context, rebase, (looking, listing), unmoved)
        commits = _first_commits(context, target, listing)
    missing = not hooks.look(context.places.hooks).runs
    hook = tuple(hook_steps(context))
    found = own.survey(context, target, commits, question.answer() or ())
    commits = found.commits
    if question.left:
        if connection is not None:
            connection.close()
        question = known.ask_beside(context, lambda: commits, all_at_once=True)
    entries, asked = _answered(context, question, commits)
    if context.options.new_change_id and entries:
        entries = (Known(entries[0].commit, State.NEW), *entries[1:])
    landed = not commits and _landed(context, target)
    told = _told(context, entries, asked or question.thread is None)
    return Observed(rebase, entries, asked, landed, missing, hook, finish, told, found, target)


def plan(observed: Observed, context: Context, connection: Early | None = None) -> list[Step]:
    """The steps of the upload; refusals are steps as well, so that a dry run tells all that would come before them."""
    options = context.options
    steps: list[Step] = [
        *observed.hook,
        *refusals(context, observed.found, observed.known, _lacking(observed, context)),
    ]
    ids = _change_id_step(observed, context)
    listed = [(entry.commit.id, entry.commit.subject, _mark(observed, entry)) for entry in observed.known]
    if not listed:
        told = messages.nothing_new(context.remote)
        steps += _asked(context, told, messages.SUBMIT_THIS, "--yes pushes it all the same")
    elif len(listed) > 1:
        told = messages.several(listed, _lacking_before(ids))
        steps += _asked(context, told, messages.SUBMIT_ABOVE, "--yes uploads them all")
    else:
        context.progress(messages.listed(listed))
        if isinstance(ids, Reword) and not options.new_change_id:
            steps += _asked(context, messages.no_change_ids(listed), messages.ADD_CHANGE_IDS, "--yes adds them")
    steps += [] if ids is None else [ids, *_after_amend(ids, observed, context)]
    if observed.rebase is Rebase.FORCE:
        steps.append(rebase_step(context, observed.found.commits, observed.target))
    apart = not context.leads_to_files
    git = context.settings.git
    words = push_words(context.remote, context.branch, observed.told, thin=options.thin, apart=apart, git=git)
    hurried = not os.access(context.places.hooks / "pre-push", os.X_OK)
    steps.append(Push(words, observed.told.said, hurried, None if connection is None else connection.environment))
    return steps


def report(context: Context, observed: Observed, said: str, words: tuple[str, ...] | None) -> None:
    """Tell number and URL of each commit's change.

    :param said: what was said to the push. :param words: those of the push, done or left out; None where there is none.
    """
    pushed = words is not None and not context.options.dry_run
    if not pushed and not context.options.json:
        return
    from git_review.commands.answer import outcomes, uploaded

    results = outcomes(observed.known, uploaded(said))
    if pushed:
        for result in results:
            if result.url:
                context.talk.say(messages.uploaded(result.known.commit.id, result.number, result.url))
    context.talk.result(
        {
            "remote": context.remote,
            "branch": context.branch,
            "topic": observed.told.topic or observed.told.implied_topic,
            "pushed": pushed,
            "command": None if words is None else ["git", *words],
            "changes": [result.json for result in results],
        }
    )


def _rewritten(context: Context, observed: Observed) -> Observed:
    """The same with the commits as they are now."""
    now = _commits(context, None, observed.found.has)
    if len(now) != len(observed.known):
        return observed
    return replace(
        observed, known=tuple(replace(old, commit=new) for old, new in zip(observed.known, now, strict=True))
    )


def _first_commits(context: Context, target: str | None, listing: Pending) -> tuple[repo.Commit, ...]:
    """HEAD's commits as they were listed before the target was known, where that changes nothing."""
    with suppress(GitFailed):
        commits = repo.found(listing)
        if target is not None and repo.rest_on(commits, target):
            return commits
    return _commits(context, target)


def _question(context: Context, rebase: Rebase, listing: Pending) -> Question:
    """Ask about the commits, where there is a server to ask and the network is used at all."""
    if context.options.dry_run and rebase is Rebase.NONE:
        return Question()
    if context.leads_to_files:
        return Question()
    return known.ask_beside(context, lambda: _listed(context, listing))


def _listed(context: Context, listing: Pending) -> tuple[repo.Commit, ...]:
    try:
        return repo.found(listing)
    except GitFailed:
        return _commits(context, None)


def _answered(context: Context, question: Question, commits: tuple[repo.Commit, ...]) -> tuple[tuple[Known, ...], bool]:
    changes = question.answer()
    if changes is None:
        if question.failure:
            context.progress(messages.not_asked(question.failure))
        state = State.UNKNOWN if question.failure else State.NEW
        return tuple(Known(commit, state) for commit in commits), False
    return known.judge(context, commits, changes), True


def _landed(context: Context, target: str | None) -> bool:
    """Whether HEAD is in the target branch, as far as that is known here."""
    from git_review.git.objects import is_ancestor

    known_target = target or repo.commit_id(context.runner, tracking(context.remote, context.branch))
    return known_target is not None and is_ancestor(context.runner, "HEAD", known_target)


def _told(context: Context, entries: tuple[Known, ...], topics_known: bool) -> PushOptions:
    """The options with the topic that HEAD implies, unless a change that the upload touches has another one."""
    options = context.options
    told = replace(options.push, bases=_bases(context))
    if told.topic is not None or options.no_topic or not entries or not topics_known:
        return replace(told, topic=None if told.topic == context.branch else told.topic)
    branch = repo.branch_name(context.runner) if context.settings.topic.value == "branch" else None
    found = implied(context.settings.topic, entries[0].commit.message, branch, context.branch)
    there, lacking = known.topics(entries)
    if found is None or not lacking:
        return told
    if there - {found}:
        context.talk.say(messages.topic_left_out(found, sorted(there)))
        return told
    told = replace(told, implied_topic=found)
    return modest(told) if context.leads_to_files else told


def _bases(context: Context) -> tuple[str, ...]:
    """The full ids of what --base names; one that is not here may be on the server."""
    found = []
    for name in context.options.push.bases:
        commit = repo.commit_id(context.runner, name)
        if commit is None and not repo.is_full_id(name):
            raise messages.no_such_base(name)
        found.append(commit or name)
    return tuple(found)


def _commits(context: Context, target: str | None, has: tuple[str, ...] = ()) -> tuple[repo.Commit, ...]:
    try:
        return repo.outgoing(context.runner, context.remote, target, has)
    except GitFailed as error:
        if repo.commit_id(context.runner, "HEAD") is None:
            raise messages.no_commit() from error
        raise


def _mark(observed: Observed, entry: Known) -> str:
    if not observed.asked:
        return ""
    wip = ", WIP" if entry.change is not None and entry.change.wip else ""
    number = f" {entry.change.number}" if entry.change is not None else ""
    return f"{entry.state.value}{number}{wip}"


def _asked(context: Context, told: str, question: str, option: str) -> list[Step]:
    """A dry run tells what there is to know, and asks nothing; --yes is an answer."""
    if context.options.yes:
        return []
    return [Say(told)] if context.options.dry_run else [Confirm(f"{told}\n{question}", option)]


def _lacking(observed: Observed, context: Context) -> list[repo.Commit]:
    """The commits that are to get a Change-Id because they have none."""
    if context.settings.git.get(_CREATE, "").lower() in ("false", "no", "off", "0"):
        return []
    commits = observed.commits[1:] if context.options.new_change_id else observed.commits
    return [commit for commit in commits if lacks_change_id(commit)]


def _change_id_step(observed: Observed, context: Context) -> Git | Reword | None:
    """Commits without a Change-Id get one; HEAD alone by an amend that its author's hooks and signing see."""
    git = context.settings.git
    commits = observed.commits
    url, notes = git.get("gerrit.reviewurl", ""), _NOTES in git
    lacking = _lacking(observed, context)
    if context.options.new_change_id and commits:
        first = messages.NEW_CHANGE_ID.format(commits[0].subject)
        return Reword(commits, (commits[0].id, *(commit.id for commit in lacking)), url, first, notes)
    if not lacking:
        return None
    reword = Reword(commits, tuple(commit.id for commit in lacking), url, messages.ADDING_CHANGE_IDS, notes)
    if observed.hook_missing and lacking == [commits[0]] and not hooks.passes_over(lacking[0].subject):
        subject = messages.AMENDING.format(lacking[0].subject)
        # Notes are copied by a step of their own after either.
        instead = replace(reword, first=f"{messages.ADDING_CHANGE_ID}: {lacking[0].subject}", notes=False)
        place = context.places.hooks
        return Git(_AMEND, messages.amend_failed, environment=_UNSEEN, first=subject, hooks=place, instead=instead)
    return reword


# Only the message changes, and only by the hook: a line that begins with "#" stays in it.
_AMEND = tuple("-c commit.cleanup=whitespace commit --amend --only --no-edit --allow-empty --no-post-rewrite".split())
_UNSEEN = {**NO_EDITOR, **repo.AS_STORED}
_CREATE = "gerrit.createchangeid"
_NOTES = "notes.rewriteref"


def _after_amend(step: Git | Reword, observed: Observed, context: Context) -> list[Step]:
    """After an amend it is looked whether the id is there.

    Git copies notes itself, but only together with running the person's post-rewrite hook.
    """
    if isinstance(step, Reword):
        return []
    looked: Step = Named(said.amended_in_vain(context.places.hooks / hooks.NAME))
    if _NOTES not in context.settings.git:
        return [looked]
    pair = f"{observed.commits[0].id} HEAD\n"
    return [Git(("notes", "copy", "--for-rewrite=amend", "--stdin"), stdin=pair), looked]


def _lacking_before(step: Git | Reword | None) -> int:
    return len(step.which) if isinstance(step, Reword) and step.first == messages.ADDING_CHANGE_IDS else 0
