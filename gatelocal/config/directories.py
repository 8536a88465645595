"""Where gatelocal keeps things on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gatelocal.errors import InfrastructureError
from gatelocal.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Directories:
    """The folders of one user.

    :ivar cache: bare repositories, images, Gerrit's parts and golden sites; may be deleted at any time.
    :ivar state: logs of runs, the sandbox, running nodes.
    :ivar configuration: what the user has set; None where nobody can have.
    """

    cache: Path
    state: Path
    configuration: Path | None = None

    @property
    def repositories(self) -> Path:
        """Bare repositories, one per project."""
        return self.cache / "git"

    @property
    def work(self) -> Path:
        """One folder per build while it needs it: source trees on their way to a node."""
        return self.cache / "work"

    @property
    def nodes(self) -> Path:
        """One folder per running node."""
        return self.state / "nodes"

    @property
    def runs(self) -> Path:
        """One folder per run: logs and result streams."""
        return self.state / "runs"

    @property
    def history(self) -> Path:
        """What builds took before, one line each."""
        return self.state / "history.jsonl"

    @property
    def sandbox(self) -> Path:
        """The sandbox started by `gatelocal sandbox up`."""
        return self.state / "sandbox"


def directories(environment: Mapping[str, str]) -> Directories:
    """The folders that GATELOCAL_CACHE, GATELOCAL_STATE and GATELOCAL_CONFIG name, else those of the XDG rules."""
    import platformdirs

    cache = environment.get("GATELOCAL_CACHE") or platformdirs.user_cache_dir("gatelocal")
    state = environment.get("GATELOCAL_STATE") or platformdirs.user_state_dir("gatelocal")
    configuration = environment.get("GATELOCAL_CONFIG") or platformdirs.user_config_dir("gatelocal")
    return Directories(Path(cache).absolute(), Path(state).absolute(), Path(configuration).absolute())


def ensure_state(folder: Path) -> None:
    """Make a folder of the state, for its owner alone, unless it is there.

    :raises InfrastructureError: it cannot be made; with what names another place.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InfrastructureError(
            f"the folder {folder} cannot be made",
            details=error.strerror or str(error),
            hint="the variable GATELOCAL_STATE names another place for runs, nodes and what is known of them",
        ) from None
