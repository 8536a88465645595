"""What tests of fingerprints make themselves: fingerprints from queries, and an event of which a query is true."""

from __future__ import annotations

import json

from gatelocal.config.fingerprint_files import of_text
from gatelocal.results.fingerprints.fingerprint import Fingerprint
from gatelocal.results.fingerprints.tree import MESSAGE, All, Any, Literal, Node, Not, Phrase, Stars

QUERIES = (
    'message:"Timed out waiting for a reply" AND tags:"console"',
    'message:"Unable to establish SSL connection to cloud-images"',
    'message:"volume \\"vol-a\\" is still in-use" AND message:"DeleteVolume" AND filename:logs*c-vol.txt',
    '(message:"lost contact" OR message:"node went away") AND NOT build_name:*-silent-*',
    '(message:"first (a.b) [x]" AND message:"second") OR message:"third one" AND tags:console',
    'message:(+"[ERROR]" +"lib/neutron-thing" +"did not start") AND filename:console.html',
    'build_name:("job-a" "job-b") AND message:"Länge überschritten"',
    'message:"lock wait" AND (NOT project:"openstack/other")',
    'message:"oslo_db.exception.DBDeadlock" AND module:"nova.db.api" AND loglevel:"ERROR"',
    'message:"AssertionError: 1 != 2" AND message:"::" AND build_queue:gate',
    'message:"bad\\nnews" AND build_branch:stable/queens',
    'message:"__tmp__table" AND NOT (build_queue:"silent" OR build_queue:"experimental")',
    "message:retrylim* AND node_provider:some-cloud-*",
    'message:"東京 down" AND project:openstack/thing',
)
"""One of each kind."""


def fingerprint(query: str, bug: str = "1000001", **others: object) -> Fingerprint:
    found, faults = of_text(json.dumps({"query": query, **others}), bug)
    assert found is not None, faults
    return found


def example(node: Node) -> tuple[list[str], dict[str, list[str]]]:
    """Pieces of a message, and fields, of which the tree is true: of several ways, the first."""
    pieces: list[str] = []
    fields: dict[str, list[str]] = {}
    match node:
        case Phrase(field, words):
            found = (field, " ".join(words))
        case Literal(field, text):
            found = (field, text)
        case Stars(field, stars, _):
            found = (field, stars.replace("*", "x").replace("?", "y"))
        case All(of) | Any(of):
            for one in of if isinstance(node, All) else of[:1]:
                more, named = example(one)
                pieces += more
                for name, values in named.items():
                    fields.setdefault(name, []).extend(values)
            return pieces, fields
        case Not():
            return [], {}
    if found[0] in (MESSAGE, ""):
        return [found[1]], {}
    return [], {found[0]: [found[1]]}
