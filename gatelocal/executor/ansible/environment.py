"""The Python that has Ansible, apart from ours: this one when the extra is installed, else one made once and kept."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import secrets
import shutil
import sys
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.lock import held
from gatelocal.ports import Say

LINE = "2.18"
"""The line of ansible-core that Zuul 14 runs; later ones refuse conditions that shared jobs have."""
WANTED = f"ansible-core~={LINE}.0"
_MINUTES = 15


def python(cache: Path, say: Say) -> Path:
    """An interpreter that has it.

    :param cache: a folder; what is made there is named by the version of Ansible and of Python.
    :raises InfrastructureError: it cannot be had; the details are pip's.
    """
    if _is_here():
        return Path(sys.executable)
    kept = cache / f"ansible-{LINE}-python{sys.version_info.major}.{sys.version_info.minor}"
    found = kept / "bin/python"
    if found.exists():
        return found
    cache.mkdir(parents=True, exist_ok=True)
    with held(cache / "ansible.lock", "the folder of Ansible", 2 * _MINUTES * 60, say):
        if not found.exists():
            say(f"installing {WANTED} (from the Python package index), once")
            _install(kept)
    return found


def package(python: Path) -> Path:
    """The folder of Ansible's own code. :raises InfrastructureError: it is not there."""
    if python == Path(sys.executable):
        spec = importlib.util.find_spec("ansible")
        found = [Path(one) for one in (spec.submodule_search_locations or ())] if spec is not None else []
    else:
        found = sorted(python.parent.parent.glob("lib/python*/site-packages/ansible"))
    if not found:
        raise InfrastructureError("Ansible is not where it was installed", details=str(python))
    return found[0]


def _install(kept: Path) -> None:
    fresh = kept.with_name(f".new-{secrets.token_hex(4)}")
    try:
        process.run([sys.executable, "-m", "venv", str(fresh)], timeout=_MINUTES * 60)
        pip = [str(fresh / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", WANTED]
        process.run(pip, timeout=_MINUTES * 60)
        fresh.rename(kept)
    except (process.ProgramFailed, TimeoutError) as error:
        details = error.details if isinstance(error, process.ProgramFailed) else str(error)
        hint = "install the extra: pip install 'gatelocal[ansible]'"
        raise InfrastructureError("Ansible cannot be installed", details=details, hint=hint) from error
    except OSError as error:
        raise InfrastructureError("Ansible cannot be installed", details=str(error)) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _is_here() -> bool:
    try:
        version = importlib.metadata.version("ansible-core")
    except importlib.metadata.PackageNotFoundError:
        return False
    return version.startswith(f"{LINE}.")
