"""Nodes that stand ready for the jobs of a test's own project: they go with the test, and no others do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from gatelocal.config.directories import directories
from gatelocal.launcher import images, layers, snapshots
from tests.live.test_steps import Bench


@contextmanager
def with_images(bench: Bench) -> Iterator[Bench]:
    """The bench with this user's images; what it leaves among them is removed."""
    cache = directories(os.environ).cache
    try:
        yield replace(bench, cache=cache)
    finally:
        own = set(bench.type("git", "rev-list", "--all").stdout.split())
        for one in snapshots.found(images.below(cache)).values():
            facts = one.folder / "stack.json"
            if facts.exists() and own & set(json.loads(facts.read_text())["commits"].values()):
                layers.remove(one.folder)
