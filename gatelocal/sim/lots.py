"""The layouts of random worlds, as the objects of a scenario file; nothing is drawn here."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]


def _pipelines(check: Values | None = None, **gate: Any) -> list[Values]:
    approval = {"event": "comment-added", "approval": [{"Workflow": 1}]}
    recheck = {"event": "comment-added", "comment": "^recheck$"}
    wanted = {"gerrit": {"open": True, "current-patchset": True, "approval": [{"Workflow": 1}]}}
    return [
        {
            "pipeline": {
                "name": "gate",
                "manager": "dependent",
                "precedence": "high",
                "trigger": {"gerrit": [approval]},
                "require": wanted,
                "start": {"gerrit": {"Verified": 0}},
                "success": {"gerrit": {"Verified": 2, "submit": True}},
                "failure": {"gerrit": {"Verified": -2}},
                **gate,
            }
        },
        {
            "pipeline": {
                "name": "check",
                "manager": "independent",
                "trigger": {"gerrit": [{"event": "patchset-created"}, recheck]},
                "success": {"gerrit": {"Verified": 1}},
                "failure": {"gerrit": {"Verified": -1}},
                **(check or {}),
            }
        },
        {
            "pipeline": {
                "name": "post",
                "manager": "supercedent",
                "precedence": "low",
                "trigger": {"gerrit": [{"event": "ref-updated", "ref": "^refs/heads/"}]},
            }
        },
        {"pipeline": {"name": "deploy", "manager": "serial", "trigger": {"gerrit": [{"event": "change-merged"}]}}},
    ]


def _job(name: str, **settings: Any) -> Values:
    return {"job": {"name": name, **settings}}


def _project(name: str, jobs: list[Any], queue: str = "", *, fast: bool = False) -> Values:
    body: Values = {"name": name, "gate": {"jobs": jobs, "fail-fast": fast}, "check": {"jobs": jobs}}
    body |= {"post": {"jobs": ["nv"]}, "deploy": {"jobs": ["unit"]}}
    return {"project": {**body, "queue": queue} if queue else body}


_JOBS = [
    _job("base", parent=None, run="run.yaml"),
    _job("unit"),
    _job("integ", files=["^src/"]),
    _job("docs", files=["^doc/"]),
    _job("a", files=["^src/a"]),
    _job("b", files=["^src/b"]),
    _job("nv", voting=False),
    _job("merge", **{"hold-following-changes": True}),
    _job("t1", semaphores=["lab"], attempts=2),
    _job("p", provides="image"),
    _job("p1", requires="image", **{"irrelevant-files": ["^doc/"]}),
    _job("init", type="initializer"),
    _job("sync", type="reporter"),
]
_STAGED = ["merge", {"t1": {"dependencies": "merge"}}, {"unit": {"dependencies": "merge"}}]
_SMALL_WINDOW: Values = {"window": 3, "window-floor": 1}
_STEEP_WINDOW: Values = {
    "window": 2,
    "window-floor": 1,
    "window-ceiling": 4,
    "window-increase-type": "exponential",
    "window-increase-factor": 2,
    "window-decrease-type": "linear",
    "window-decrease-factor": 1,
}

LAYOUTS: dict[str, list[Values]] = {
    "flat": [
        *_pipelines(),
        *_JOBS,
        {"queue": {"name": "twins", "allow-circular-dependencies": True}},
        _project("P", ["unit", "integ", "nv"]),
        _project("P1", ["unit", "p", "p1"], "twins"),
        _project("P2", ["unit", "integ"], "twins"),
    ],
    "staged": [
        *_pipelines(**_SMALL_WINDOW),
        *_JOBS,
        {"queue": {"name": "twins"}},
        {"semaphore": {"name": "lab", "max": 2}},
        _project("P", _STAGED, fast=True),
        _project("P1", _STAGED, "twins"),
        _project("P2", [*_STAGED, "nv"], "twins"),
    ],
    "ring": [
        *_pipelines(supercedes="check"),
        *_JOBS,
        {"queue": {"name": "ring", "allow-circular-dependencies": True}},
        _project("P", ["p", "p1"], "ring"),
        _project("P1", ["unit", "t1", {"integ": {"dependencies": [{"name": "unit", "soft": True}]}}], "ring"),
        _project("P2", ["unit", "merge"], "ring"),
    ],
    "apart": [
        *_pipelines({"dequeue-on-new-patchset": False}, **_STEEP_WINDOW),
        *_JOBS,
        {"queue": {"name": "split", "per-branch": True}},
        {"queue": {"name": "one"}},
        _project("P", ["integ", "docs"], "one"),
        _project("P1", ["integ", "docs", {"nv": {"files": ["^src/"]}}], "one"),
        _project("P2", ["unit", "docs"], "split"),
    ],
    "synced": [
        *_pipelines(),
        *_JOBS,
        {"queue": {"name": "old", "type": "branch-assigned"}},
        {"queue": {"name": "ring", "allow-circular-dependencies": True}},
        _project("P", ["unit", "sync"], "ring"),
        _project("P1", ["init", "unit", "integ", {"sync": {"files": ["^src/"], "dependencies": "integ"}}], "ring"),
        {"project": {"name": "^P.*", "queue": "old", "branches": "stable", "gate": {"jobs": ["docs", "nv"]}}},
        _project("P2", ["unit", "integ"]),
    ],
    "plain": [
        *_pipelines(),
        *_JOBS,
        {"queue": {"name": "all", "allow-circular-dependencies": True}},
        _project("P", ["unit"], "all"),
        _project("P1", ["unit", "sync"], "all"),
        _project("P2", ["unit", {"t1": {"dependencies": "unit"}}], "all"),
    ],
    "parts": [
        *_pipelines(),
        *_JOBS,
        {"queue": {"name": "all", "allow-circular-dependencies": True}},
        _project("P", ["a", "b", "docs"], "all"),
        _project("P1", ["integ", "docs"], "all"),
        _project("P2", ["a", "docs", {"sync": {"files": ["^doc/"]}}], "all"),
    ],
}
"""Name → objects."""

PROJECTS = ("P", "P1", "P2")

QUEUES: dict[str, tuple[str, ...]] = {
    "flat": ("P", "twins"),
    "staged": ("P", "twins"),
    "ring": ("ring",),
    "apart": ("one", "split/master", "split/stable"),
    "synced": ("ring", "old", "P2"),
    "plain": ("all",),
    "parts": ("all",),
}
"""Layout → the queues of its gate."""

BUILT_JOBS = ("unit", "integ", "docs", "merge", "t1", "nv", "p", "p1", "sync", "a", "b")
