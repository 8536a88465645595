"""What a daemon counts, as Prometheus reads it; it measures nothing itself."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping

from gatelocal.server.daemon import Daemon

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text(daemon: Daemon) -> str:
    """All of them."""
    state, watcher = daemon.state, daemon.parts.watcher
    items = Counter((item.pipeline, item.stage.value) for item in state.items.values() if item.live)
    builds = Counter(one.state for one in daemon.parts.builds.unfinished())
    age = time.monotonic() - watcher.read if watcher.read else -1.0
    return "".join(
        (
            _metric("gatelocal_up", "Whether it can do its work.", [({}, 0 if daemon.troubles() else 1)]),
            _metric(
                "gatelocal_items",
                "Live items by pipeline and stage.",
                [({"pipeline": one, "stage": stage}, count) for (one, stage), count in items.items()],
            ),
            _metric("gatelocal_builds", "Builds that have not ended.", [({"state": k}, n) for k, n in builds.items()]),
            _metric("gatelocal_copies_failing", "Projects that no mirror gets.", [({}, daemon.copies_failing)]),
            _metric("gatelocal_read_age_seconds", "Since the server was last read whole.", [({}, age)]),
            _metric(
                "gatelocal_event_age_seconds",
                "Age of the oldest event that is not worked in.",
                [({}, daemon.parts.inbox.age)],
            ),
        )
    )


def _metric(name: str, meaning: str, values: Iterable[tuple[Mapping[str, str], float]]) -> str:
    lines = [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
    for labels, value in values:
        told = ",".join(f'{key}="{_escaped(one)}"' for key, one in labels.items())
        lines.append(f"{name}{{{told}}} {value:g}" if told else f"{name} {value:g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
