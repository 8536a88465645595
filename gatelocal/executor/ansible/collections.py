"""The collections that playbooks use beside Ansible itself: which ones, found in their text, and from where they come.

They are taken from the package that has Ansible's usual ones, once, and each is unpacked when it is first asked for.
"""

from __future__ import annotations

import re
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.lock import held
from gatelocal.ports import Say

SERIES = "11"
"""The package with the collections of the time of our line of ansible-core."""
WANTED = f"ansible~={SERIES}.0"
_ROOT = "ansible_collections"
_FULL = re.compile(r"\b([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\.[a-z][a-z0-9_]*\b")
_KEY = re.compile(r"^[ \t]*(?:- )?([a-z][a-z0-9_]*)[ \t]*:", re.MULTILINE)
_MOVED = re.compile(r"^    ([a-z0-9_]+):\n(?:      .*\n)*?      redirect: ([a-z0-9_]+\.[a-z0-9_]+)\.", re.MULTILINE)
_MORE = frozenset(("ansible.utils", "ansible.netcommon", "community.docker"))
"""Those that have no old names."""
_OWN = frozenset(("ansible.builtin", "ansible.legacy", "testns.testcoll"))
_FOLDERS = ("playbooks", "roles", "tasks", "handlers")
_MINUTES = 15


def asked(repositories: Iterable[Path], books: Iterable[Path], package: Path) -> frozenset[str]:
    """The collections that YAML files in repositories speak of, by their own names or by old ones of their modules.

    :param books: the playbooks, in whose folders there are more.
    :param package: the folder of Ansible's own package, which knows the old names, and so most collections.
    """
    moved = _moved(package)
    found: set[str] = set()
    folders = {root / name for root in repositories for name in _FOLDERS} | {book.parent for book in books}
    for path in sorted({file for folder in folders for file in _files(folder)}):
        text = path.read_text(encoding="utf-8", errors="replace")
        found.update(_FULL.findall(text))
        found.update(moved[key] for key in set(_KEY.findall(text)) if key in moved)
    return frozenset(found) & (frozenset(moved.values()) | _MORE) - _OWN


def provide(cache: Path, names: frozenset[str], python: Path, say: Say) -> Path:
    """A folder with those of the collections that there are.

    :param python: an interpreter with pip.
    :raises InfrastructureError: the package cannot be had; the details are pip's.
    """
    kept = cache / f"ansible-collections-{SERIES}"
    if all(_is_known(kept, name) for name in names):
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    with held(cache / "ansible.lock", "the folder of Ansible", 2 * _MINUTES * 60, say):
        kept.mkdir(exist_ok=True)
        wheel = next(kept.glob("*.whl"), None) or _downloaded(kept, python, say)
        with zipfile.ZipFile(wheel) as opened:
            every = opened.namelist()
            for name in sorted(one for one in names if not _is_known(kept, one)):
                _unpack(opened, every, name, kept)
    return kept


def _unpack(opened: zipfile.ZipFile, every: Sequence[str], name: str, kept: Path) -> None:
    """One collection, whole or not at all; of one that there is not, that it was looked for."""
    place = f"{_ROOT}/{name.replace('.', '/')}/"
    mine = [one for one in every if one.startswith(place)]
    if not mine:
        (kept / f"no-{name}").touch()
        return
    fresh = kept / f".new-{secrets.token_hex(4)}"
    opened.extractall(fresh, mine)
    (kept / place).parent.mkdir(parents=True, exist_ok=True)
    (fresh / place).rename(kept / place)
    shutil.rmtree(fresh)


def _is_known(kept: Path, name: str) -> bool:
    return (kept / _ROOT / name.replace(".", "/")).is_dir() or (kept / f"no-{name}").exists()


def _downloaded(kept: Path, python: Path, say: Say) -> Path:
    say(f"fetching {WANTED} (from the Python package index) for its collections, once")
    fresh = kept / f".new-{secrets.token_hex(4)}"
    words = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(fresh), WANTED]
    try:
        process.run([str(python), "-m", "pip", "--disable-pip-version-check", *words], timeout=_MINUTES * 60)
        (wheel,) = fresh.glob("*.whl")
        return wheel.rename(kept / wheel.name)
    except (process.ProgramFailed, TimeoutError, ValueError, OSError) as error:
        details = error.details if isinstance(error, process.ProgramFailed) else str(error)
        raise InfrastructureError("the collections that its playbooks use cannot be had", details=details) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _moved(package: Path) -> dict[str, str]:
    text = (package / "config/ansible_builtin_runtime.yml").read_text(encoding="utf-8")
    modules = text.partition("\n  modules:\n")[2].partition("\n  module_utils:\n")[0]
    return dict(_MOVED.findall(modules))


def _files(folder: Path) -> Iterator[Path]:
    for pattern in ("*.yaml", "*.yml"):
        yield from (path for path in folder.rglob(pattern) if path.is_file())
