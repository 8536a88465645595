"""A guest's configuration: it votes 1 at most, and submits nothing."""

from __future__ import annotations

from gatelocal.model.layout import Layout, Manager, Pipeline, Voice
from gatelocal.server.configuration import third_party


def test_a_guest_is_modest() -> None:
    voices = {
        "success": Voice((("Verified", 2), ("Code-Review", 1)), submit=True),
        "failure": Voice((("Verified", -2),), comment=False),
        "start": Voice((("Verified", 0),)),
    }
    layout = Layout({"gate": Pipeline("gate", Manager.DEPENDENT, voices=voices)}, {}, {}, {})
    found = third_party(layout).pipelines["gate"]
    assert found.voices == {
        "success": Voice((("Verified", 1), ("Code-Review", 1))),
        "failure": Voice((("Verified", -1),), comment=False),
        "start": Voice((("Verified", 0),)),
    }
    assert not found.lands
