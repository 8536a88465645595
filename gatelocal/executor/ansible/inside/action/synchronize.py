"""`synchronize`: folders between a node and the folders of the build on this machine, without rsync and ssh.

Of rsync's ways, those that playbooks use: the slash at the end of a source, links, `delete`, `--exclude`, `--include`.
Owners are those of whoever copies. Delegated to a node, it is rsync on that node.
"""

from __future__ import annotations

import fnmatch
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash

_NODE = "gatelocal"
_IGNORED = frozenset(("--quiet", "-q", "--safe-links", "--no-motd", "--prune-empty-dirs", "-m", "--delete-after"))


class _Failed(Exception):
    """As rsync fails: the task has failed, and playbooks may go on."""


class ActionModule(ActionBase):  # type: ignore[misc]
    """See the module `ansible.posix.synchronize`."""

    TRANSFERS_FILES = True

    def run(self, tmp: object = None, task_vars: dict[str, object] | None = None) -> dict[str, object]:
        """Copy. :raises AnsibleError: it is refused."""
        result: dict[str, object] = super().run(tmp, task_vars)
        try:
            return merge_hash(result, self._copied())  # type: ignore[no-any-return]
        except _Failed as error:
            return {**result, "failed": True, "rc": 23, "msg": f"synchronize: {error}"}

    def _copied(self) -> dict[str, object]:
        asked = self._task.args
        source, target = (self._path(str(asked.get(name) or "")) for name in ("src", "dest"))
        rules = [_rule(str(one)) for one in _listed(asked.get("rsync_opts"))]
        wanted = [one for one in rules if one is not None]
        if self._task.delegate_to is not None and self._connection.transport == _NODE:
            return self._on_node(source, target, wanted)
        if self._connection.transport != _NODE:
            raise AnsibleError(f"refused by the gate: synchronize with {self._play_context.remote_addr}")
        links = _truth(asked.get("links", True)) and not _truth(asked.get("copy_links", False))
        with tempfile.TemporaryDirectory(dir=os.environ["BUILD_STAGE"], ignore_cleanup_errors=True) as stage:
            if asked.get("mode", "push") == "pull":
                self._pull(source, target, Path(stage), wanted, links)
            else:
                self._push(source, target, Path(stage), wanted, links)
        return {"changed": True, "rc": 0, "msg": "", "cmd": f"synchronize {source} {target}"}

    def _pull(self, source: str, target: str, stage: Path, rules: list[tuple[bool, str]], links: bool) -> None:
        """From the node to this machine."""
        bare = source.rstrip("/") or "/"
        place = self._sh("mktemp -d /tmp/gatelocal-pull-XXXXXX", "a folder cannot be made")
        try:
            how = "-a" if links else "-aL"
            self._sh(f"cp {how} -- {shlex.quote(bare)} {place}/it", f"cannot read {source} on the node")
            self._sh(f"chown -R --reference={place} {place}/it; chmod -R u+rX {place}/it", f"cannot read {source}")
            self._sh(f"chmod 755 {place}; chmod -R a+rX {place}/it", f"cannot read {source}")
            self._connection.get_tree(f"{place}/it", str(stage))
        finally:
            self._sh(f"rm -rf {place}", "a folder cannot be removed")
        it = stage / "it"
        _drop(it, rules)
        _into(it, _place(it.is_dir() and not it.is_symlink(), source, Path(target), target), self._wipes)

    def _push(self, source: str, target: str, stage: Path, rules: list[tuple[bool, str]], links: bool) -> None:
        """From this machine to the node."""
        path = Path(source)
        if not path.exists():
            raise _Failed(f"there is no {source} on this machine")
        it = stage / "file"
        shutil.copytree(path, it, symlinks=links) if path.is_dir() else shutil.copyfile(path, it)
        _drop(it, rules)
        place = self._sh("mktemp -d /tmp/gatelocal-push-XXXXXX", "a folder cannot be made")
        try:
            self._connection.put_tree(str(stage), f"{place}/it")
            into = shlex.quote(target.rstrip("/") or "/")
            if path.is_dir():
                name = "" if source.endswith("/") else f"/{shlex.quote(path.name)}"
                wipe = f"find {into}{name} -mindepth 1 -delete 2>/dev/null;" if self._wipes else ""
                script = f"{wipe} mkdir -p {into}{name} && cp -a {place}/it/. {into}{name}/"
            else:
                name = f"/{shlex.quote(path.name)}"
                script = f"if test -d {into} -o {int(target.endswith('/'))} = 1; then mkdir -p {into} &&"
                script += f" cp -a {place}/it {into}{name}; else cp -a {place}/it {into}; fi"
            self._sh(script, f"cannot write {target} on the node")
        finally:
            self._sh(f"rm -rf {place}", "a folder cannot be removed")

    def _on_node(self, source: str, target: str, rules: list[tuple[bool, str]]) -> dict[str, object]:
        """Both on one node."""
        asked = self._task.args
        words = ["rsync", "-rltpD" if _truth(asked.get("links", True)) else "-rtpD"]
        words += [f"--{'in' if keep else 'ex'}clude={pattern}" for keep, pattern in rules]
        words += ["--delete"] * self._wipes + ["--copy-links"] * _truth(asked.get("copy_links", False))
        words += ["--owner"] * _truth(asked.get("owner", True)) + ["--group"] * _truth(asked.get("group", True))
        done = self._low_level_execute_command(shlex.join([*words, source, target]))
        return {"changed": True, "failed": done["rc"] != 0, "rc": done["rc"], "msg": done["stdout"].strip()[-500:]}

    @property
    def _wipes(self) -> bool:
        return _truth(self._task.args.get("delete", False))

    def _path(self, path: str) -> str:
        if not path:
            raise _Failed("src and dest are required")
        return str(self._remote_expand_user(path)) if path.startswith("~") else path

    def _sh(self, script: str, problem: str) -> str:
        done = self._low_level_execute_command(script)
        if done["rc"] != 0:
            raise _Failed(f"{problem}: {done['stdout'].strip()[-500:]}")
        return str(done["stdout"].strip())


def _place(is_folder: bool, source: str, target: Path, said: str) -> Path:
    """Where rsync would put it."""
    name = os.path.basename(source.rstrip("/"))
    if is_folder:
        return target if source.endswith("/") else target / name
    return target / name if target.is_dir() or said.endswith("/") else target


def _into(it: Path, target: Path, wipes: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if it.is_symlink() or not it.is_dir():
        shutil.copyfile(it, target, follow_symlinks=False)
        return
    if wipes and target.is_dir():
        shutil.rmtree(target)
    shutil.copytree(it, target, symlinks=True, dirs_exist_ok=True)


def _drop(folder: Path, rules: list[tuple[bool, str]]) -> None:
    """Remove what rsync would leave out; the first rule that fits counts."""
    for path in sorted(folder.rglob("*"), reverse=True) if rules and folder.is_dir() else ():
        below = path.relative_to(folder).as_posix()
        first = next((keep for keep, pattern in rules if _fits(below, pattern, path.is_dir())), True)
        if not first:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _fits(below: str, pattern: str, is_folder: bool) -> bool:
    if pattern.endswith("/"):
        if not is_folder:
            return False
        pattern = pattern.rstrip("/")
    if pattern.startswith("/") or "/" in pattern:
        return fnmatch.fnmatchcase(f"/{below}", pattern if pattern.startswith("/") else f"*/{pattern}")
    return fnmatch.fnmatchcase(below.rpartition("/")[2], pattern)


def _rule(option: str) -> tuple[bool, str] | None:
    """Whether it keeps, and what; None for what makes no difference here."""
    for word, keeps in (("--include=", True), ("--exclude=", False)):
        if option.startswith(word):
            return keeps, option.removeprefix(word).strip("'\"")
    if option in _IGNORED:
        return None
    raise _Failed(f"the option {option} is not known here")


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value] if value else []


def _truth(value: object) -> bool:
    return value is True or str(value).lower() in ("yes", "true", "on", "1")
