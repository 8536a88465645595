"""Which tests never ran."""

from __future__ import annotations

import pytest

from gatelocal.results.missing import never_ran
from gatelocal.results.names import class_of


@pytest.mark.parametrize(
    ("listed", "ended", "left"),
    [
        (["m.A.a", "m.A.b"], ["m.A.a"], ("m.A.b",)),
        (["m.A.a", "m.A.b"], ["m.A.b", "m.A.a"], ()),
        (["m.A.a", "m.A.b", "m.B.a"], ["setUpClass (m.A)"], ("m.B.a",)),
        (["m.A.a", "n.B.a"], ["setUpModule (m)"], ("n.B.a",)),
        (["m.A.a"], ["setUpClass (m.AB)"], ("m.A.a",)),
        (["m.A.a", "m.A.b"], ["m.A.a(x)", "m.A.a(y)"], ("m.A.b",)),
        (["m.A.a", "m.A.b"], ["m.A.a[1.5]", "m.A.b(z.z)"], ()),
        (["m.A.a", "m.A.b", "m.A.c"], ["m.A.x", "m.A.y"], ("m.A.c",)),
        (["m.A.a <f at 0x7f12>"], ["m.A.a <f at 0x7e99>"], ()),
        ([], ["m.A.a"], ()),
    ],
)
def test_never_ran(listed: list[str], ended: list[str], left: tuple[str, ...]) -> None:
    assert never_ran(listed, ended) == left


def test_the_class_of_an_id() -> None:
    assert class_of("a.B.test(x.y)") == "a.B"
    assert class_of("a.B.test[1.5,http://x.y]") == "a.B"
    assert class_of("a.B.test") == "a.B"
    assert class_of("setUpClass (a.B)") == ""
    assert class_of("test") == ""
