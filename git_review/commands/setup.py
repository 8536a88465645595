"""`git review -s`, and the part of it that every upload begins with: the remote, and the Change-Id hook."""

from __future__ import annotations

from pathlib import Path

from git_review import hooks, messages
from git_review.commands.context import Context
from git_review.commands.finish import finish_steps
from git_review.commands.scripts import PRE, run_scripts
from git_review.git.errors import GitFailed
from git_review.git.refs import tracked
from git_review.git.repo import FETCH_ALL, submodule_hooks
from git_review.git.runner import Runner, without_password
from git_review.plan import Git, InstallHook, Say, Step, Stop, carry_out


def setup(context: Context) -> None:
    """Make the remote and install the hook, as far as they are missing."""
    ensure_remote(context)
    run_scripts(context, PRE)
    if context.options.update:
        update(context)
    carry_out(hook_steps(context), context.runner, context.talk)
    if context.options.finish:
        carry_out(finish_steps(context), context.runner, context.talk)
    context.talk.result({"remote": context.remote, "hook": str(context.places.hooks / hooks.NAME)})


def update(context: Context) -> None:
    """Fetch all branches of the remote (-u)."""
    if not context.has_remote and context.runner.dry_run:
        return
    failed = messages.cannot_fetch
    step = Git((*FETCH_ALL, context.remote), lambda words: failed(context.remote, words))
    carry_out([step], context.runner, context.talk)


def hook_steps(context: Context) -> list[Step]:
    """What is to be done so that commits get Change-Ids, here and in each submodule.

    A hook that runs is left alone; with -u, another version of this one is replaced. Another tool's never is.
    """
    main = hooks.look(context.places.hooks)
    refresh = context.options.update
    steps: list[Step] = []
    text: str | None = None
    wanted = _wanted(main, refresh, context.options.remote_hook)
    obstacle = _obstacle(context) if wanted else ""
    if obstacle and context.options.setup and hooks.switched_off(context.places.hooks):
        steps.append(Stop(messages.hook_switched_off(obstacle)))
    elif obstacle:
        steps.append(Say(obstacle))
    elif wanted:
        from_server = context.options.remote_hook and (refresh or main.kind is hooks.Kind.MISSING)
        if from_server and not context.runner.dry_run:
            from git_review.commands.remote_hook import fetch

            text = fetch(context)
        needed = context.options.setup
        steps.append(InstallHook(main, text, replace=refresh and main.makes_ids, needed=needed))
    if main.kind is hooks.Kind.FOREIGN:
        steps.append(Say(messages.FOREIGN_HOOK.format(main.path)))
    if steps or context.options.setup:
        places = {place for place in submodule_hooks(context.runner, context.places.top) if _is_own(context, place)}
        others = (hooks.look(place) for place in sorted(places))
        steps += [InstallHook(hook, text, needed=False) for hook in others if not hook.runs]
    return steps


def _obstacle(context: Context) -> str:
    """Why no hook is installed where git looks for it, and what is done instead; "" when it is."""
    place = context.places.hooks
    scope = context.settings.scopes.get("core.hookspath", "set outside of this repository")
    if hooks.switched_off(place):
        return messages.hooks_off(place, scope)
    if scope in _OURS or _is_own(context, place):
        return ""
    if not context.options.setup or context.options.dry_run:
        return messages.shared_hooks(place, scope)
    if context.options.yes:
        return ""
    answer = context.talk.read(f"{messages.install_shared_hook(place, scope)}\n{messages.CONFIRM}")
    if answer is not None and answer.strip().lower() == "yes":
        return ""
    return messages.SHARED_HOOKS_LEFT.format(place)


_OURS = ("local", "worktree", "command")


def _is_own(context: Context, place: Path) -> bool:
    """Whether a folder of hooks is in this repository, or in its work tree, so that no other one uses it."""
    owned = (context.places.common.resolve(), context.places.top.resolve())
    return any(place.resolve().is_relative_to(own) for own in owned)


def ensure_remote(context: Context) -> None:
    """Make sure that the remote is there; otherwise make it of the settings, once the server has answered.

    :raises ReviewError: nothing says where the server is (1), or it does not answer or let us in (40).
    """
    git = context.settings.git
    if context.settings.use_pushurl:
        if f"remote.{context.remote}.url" not in git:
            raise messages.no_remote_to_push_to(context.remote)
        if f"remote.{context.remote}.pushurl" in git:
            return
    elif context.has_remote:
        return
    if context.settings.url() is None:
        raise messages.no_server_known(context.remote, context.places.top / ".gitreview")
    _make(context)


def _make(context: Context) -> None:
    url = context.settings.url(context.username) or ""
    problem = _try(context, url)
    if problem and messages.no_way_to(problem):
        raise messages.no_server(without_password(url), problem)
    if problem:
        url = _other_user(context, url, problem)
    if context.settings.use_pushurl:
        words: tuple[str, ...] = ("remote", "set-url", "--push", context.remote, url)
    else:
        words = ("remote", "add", context.remote, url)
    context.runner.run(*words)
    if not context.runner.dry_run:
        made = messages.PUSH_URL_MADE if context.settings.use_pushurl else messages.REMOTE_MADE
        context.talk.say(made.format(context.remote, without_password(url)))


def _other_user(context: Context, url: str, problem: str) -> str:
    """The URL for a user name that the person gives and that the server takes."""
    shown = without_password(url)
    if context.options.yes:
        raise messages.unreachable(shown, problem)
    answer = context.talk.read(messages.ASK_USERNAME.format(shown))
    if not answer or not answer.strip():
        raise messages.unreachable(shown, problem)
    url = context.settings.url(answer.strip()) or ""
    if problem := _try(context, url):
        raise messages.unreachable(without_password(url), problem)
    context.talk.say(messages.REMEMBER_USERNAME)
    return url


def _try(context: Context, url: str) -> str:
    """git's complaint about the URL; "" when it works, and then the remote's branches are fetched already.

    With a push URL the branches come from elsewhere, and a dry run changes no ref: then the server is only asked.
    """
    runner: Runner = context.runner
    try:
        if context.settings.use_pushurl or runner.dry_run:
            runner.query("ls-remote", url, "HEAD")
        else:
            runner.run(*FETCH_ALL, url, tracked(context.remote, "*"))
    except GitFailed as error:
        return error.details or error.brief
    return ""


def _wanted(hook: hooks.Hook, refresh: bool, remote: bool) -> bool:
    """Another version is replaced when that is asked for; our own when the server's is asked for."""
    return not hook.runs or (
        refresh and (hook.kind is hooks.Kind.OTHER or (remote and hook.kind is hooks.Kind.CURRENT))
    )
