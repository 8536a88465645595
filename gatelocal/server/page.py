"""The page for people, made on the server: HTML that needs no script; what others wrote is escaped without fail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gatelocal.model.diagnosis import Diagnosis
from gatelocal.reporter import html
from gatelocal.reporter.html import link as _link
from gatelocal.reporter.html import text as _text
from gatelocal.reporter.page import thought as html_of

Json = dict[str, Any]


def status(found: Json, troubles: Sequence[str]) -> str:
    """All queues."""
    told = "".join(f"<li>{_text(one)}</li>" for one in troubles)
    parts = [f'<div role="alert"><h2>It cannot do its work</h2><ul>{told}</ul></div>' if troubles else ""]
    for pipeline in found["pipelines"]:
        name = _text(pipeline["name"])
        queues = "".join(map(_queue, pipeline["queues"])) or "<p>Nothing waits here.</p>"
        parts.append(f'<section aria-label="pipeline {name}"><h2>{name}</h2>{queues}</section>')
    return _page("The gate", f'<div id="live">{"".join(parts)}</div>', live=True)


def _queue(queue: Json) -> str:
    note = " (paused)" if queue["paused"] else ""
    items = "".join(f"<li>{_item(one)}</li>" for one in queue["items"])
    empty = "" if items else "<p>Nothing waits here.</p>"
    return f"<h3>{_text(queue['name'])}{note}</h3><ol>{items}</ol>{empty}"


def _item(item: Json) -> str:
    changes = " with ".join(map(_change, item["changes"]))
    mark = '<strong class="bad">failing</strong> ' if item["failing"] else ""
    return f"<p>{mark}{changes}</p><p>{_text(item['why'])}</p>{_builds(item['builds'])}"


def _change(one: Json) -> str:
    if "ref" in one:
        return f"{_text(one['project'])} {_text(one['ref'])}"
    number = f"/changes/{one['number']}"
    name = f"{one['number']},{one['patchset']}"
    return f"{_link(number, name)} {_text(one['project'])}: {_link(one['url'], one['subject'] or 'the change')}"


def _builds(builds: Iterable[Json]) -> str:
    rows = "".join(
        f"<tr><td>{_link(_page_of(one), one['job'])}</td>"
        f"<td>{_text(one['result'] or one['state'])}{'' if one['voting'] else ' (non-voting)'}</td>"
        f"<td>{_text(one['started'] or '')}</td></tr>"
        for one in builds
    )
    head = '<tr><th scope="col">Job</th><th scope="col">Result</th><th scope="col">Started</th></tr>'
    return f"<table>{head}{rows}</table>" if rows else ""


def _page_of(build: Json) -> str:
    return f"/builds/{build['id']}" if build["id"] else ""


def build(one: Json, thought: Diagnosis | None = None) -> str:
    """One build. :param thought: whose fault it is thought to be that it did not pass."""
    rows = [
        ("Job", _text(one["job"])),
        ("Pipeline", _text(one["pipeline"])),
        ("Change", _link(f"/changes/{one['change']}", f"{one['change']},{one['patchset']}")),
        ("Project", _text(one["project"])),
        ("State", _text(one["state"])),
        ("Result", _text(one["result"] or "none yet")),
        ("Reason", _text(one["reason"] or "")),
        ("Attempt", _text(one["attempt"])),
        ("Started", _text(one["started"] or "")),
        ("Ended", _text(one["ended"] or "")),
        ("Node", _text(one["node"] or "")),
        ("Log", _link(one["log"], "the log") if one["log"] else ""),
        ("Recipe", _link(one["recipe"], "the recipe") if one["recipe"] else ""),
    ]
    rows += [
        (f'Tested <span class="any">{_text(project)} {_text(branch)}</span>', _text(commit))
        for project, branches in one["commits"].items()
        for branch, commit in branches.items()
    ]
    told = "".join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in rows)
    cause = html_of(thought) if thought is not None else ""
    return _page(f"Build {one['id']}: {one['job']}", f"<table>{told}</table>{cause}")


def change(found: Json, builds: Sequence[Json]) -> str:
    """One change."""
    reasons = "".join(f"<li>{_text(one['pipeline'] or '')} {_text(one['text'])}</li>" for one in found["why"])
    known = found["change"]
    return _page(f"Change {known.get('number', '')}", f"<p>{_change(known)}</p><ul>{reasons}</ul>{_builds(builds)}")


def _page(title: str, body: str, *, live: bool = False) -> str:
    script = '<script src="/live.js" defer></script>' if live else ""
    head = f'<link rel="stylesheet" href="/style.css">{script}'
    body = f'<header><a href="/">gatelocal</a></header><main><h1>{_text(title)}</h1>{body}</main>'
    return html.page(title, head, body)


_SCRIPT = """\
"use strict";
const source = new EventSource("/api/events");
let waiting = null;
async function renew() {
  waiting = null;
  const answer = await fetch("/");
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
  const old = document.getElementById("live");
  if (fresh && fresh.innerHTML !== old.innerHTML) old.replaceWith(fresh);
}
function soon() { if (waiting === null) waiting = setTimeout(renew, 300); }
for (const kind of ["status", "build", "landed"]) source.addEventListener(kind, soon);
"""


async def style(_: Request) -> Response:
    """How it looks."""
    return Response(html.STYLE, media_type="text/css", headers={"X-Content-Type-Options": "nosniff"})


async def script(_: Request) -> Response:
    """What keeps it up to date."""
    return Response(_SCRIPT, media_type="text/javascript", headers={"X-Content-Type-Options": "nosniff"})
