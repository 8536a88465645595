"""What a daemon remembers of projects' refs beside the gate's memory: a small file for each project."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from gatelocal.errors import InfrastructureError
from gatelocal.ports import Say

Known = Mapping[str, str]
"""The short name of a tag or a branch → the object that it names."""


@dataclass(frozen=True, slots=True)
class Notes:
    """:ivar folder: where the files lie. :ivar what: they are about, in words."""

    folder: Path
    what: str
    say: Say

    def read(self, project: str) -> Known | None:
        """What was noted of a project; None when nothing was."""
        try:
            found = json.loads(self._path(project).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self.say(f"the {self.what} of {project} are noted anew: {error}")
            return None
        return {str(name): str(to) for name, to in found.items()} if isinstance(found, dict) else None

    def write(self, project: str, found: Known) -> None:
        """Note it. :raises InfrastructureError: it cannot be."""
        path = self._path(project)
        fresh = path.with_suffix(".new")
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            fresh.write_text(json.dumps(dict(found)), encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            raise InfrastructureError(f"the {self.what} of {project} cannot be noted: {error.strerror}") from error

    def _path(self, project: str) -> Path:
        mark = hashlib.sha256(project.encode()).hexdigest()[:16]
        return self.folder / f"{quote(project, safe='')[:100]}-{mark}.json"
