"""A daemon is opened: alone on its state, with what its server and its memory say; it is run elsewhere."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from gatelocal.builds.lease import holding
from gatelocal.config.gate_file import GateFile
from gatelocal.engine.loop import Inbox
from gatelocal.errors import ConfigurationError, InfrastructureError, InputError
from gatelocal.pipeline.decide import initial
from gatelocal.pipeline.events import Event
from gatelocal.ports import Say
from gatelocal.server.bugs import bugs
from gatelocal.server.configuration import Configuration, Read
from gatelocal.server.daemon import Parts, tell_problems
from gatelocal.server.site import Site, site
from gatelocal.server.watcher import Following, Watcher
from gatelocal.source.mirror import Account, Mirror
from gatelocal.store.builds import Builds
from gatelocal.store.sql import SqlStore

_FIRST, _MOST = 1.0, 60.0
T = TypeVar("T")


@contextlib.contextmanager
def opened(file: GateFile, environment: Mapping[str, str], say: Say) -> Iterator[tuple[Parts, Read]]:
    """All that a daemon is made of. A server that does not answer is waited for.

    :raises gatelocal.errors.ConfigurationError: the tenant file or a password is not what or where it should be.
    :raises InfrastructureError: another daemon is at the state.
    """
    where = site(file, environment, say)
    configuration = Configuration(where)
    try:
        with holding(where.lock), contextlib.ExitStack() as stack:
            yield _opened(where, configuration, say, stack)
    except BlockingIOError:
        raise InfrastructureError(
            f"another daemon is at {file.state}", hint="stop it first, or name another `state`"
        ) from None


def _opened(where: Site, configuration: Configuration, say: Say, stack: contextlib.ExitStack) -> tuple[Parts, Read]:
    read, me = _patiently(lambda: (configuration.read(where.merger()), where.reader().me()), say)
    tell_problems(None, read, say)
    for one in read.inert:
        say(f"configuration: {one.place.where}: {one.message}")
    store = _store(where, read)
    stack.callback(store.close)
    if store.state.policy != where.file.policy:
        say("the policy is the one that this state was begun with; another one needs another state")
    if store.anew:
        say("what an older version had left cannot be gone on with: the gate begins anew, and reads the server")
    builds = Builds(where.history)
    stack.callback(builds.close)
    inbox = Inbox(clock(store.state.now))
    gate, since = _begun(where.file.state)
    mirror = Mirror((where.file.gerrit.url,), Account(me))
    following = Following(
        lambda: configuration.projects,
        where.file.every,
        since,
        lambda newest: _begin(where.file.state, gate, newest),
    )
    tracker = bugs(where, mirror, inbox.interrupt)

    def post(event: Event) -> None:
        if tracker is not None:
            tracker.heard(event)  # first: what the gate knows is not told again after a crash
        inbox.put(event)

    watcher = Watcher(where.reader, mirror, following, post, say)
    return Parts(where, configuration, builds, store, inbox, watcher, gate, tracker), read


def _store(where: Site, read: Read) -> SqlStore:
    try:
        return SqlStore(where.database, lambda: initial(read.layout, where.file.policy))
    except InputError as error:
        brief = f"{where.file.at('database')}: {error.brief}"
        raise ConfigurationError(brief, details=error.details, hint=error.hint) from None


def clock(last: float) -> Callable[[], float]:
    """Seconds since the epoch that never go back, whatever this machine's own clock does."""
    base, began = max(time.time(), last), time.monotonic()
    return lambda: base + time.monotonic() - began


def _patiently(do: Callable[[], T], say: Say) -> T:
    """What the server says, however long it takes to say it."""
    wait = _FIRST
    while True:
        try:
            return do()
        except InfrastructureError as error:
            say(f"{error.brief}: tried again in {wait:.0f} s")
        time.sleep(wait)
        wait = min(2 * wait, _MOST)


def _begun(state: Path) -> tuple[str, datetime | None]:
    """The gate's own name, and since when it has followed its server; None: it has not yet."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads((state / "gate.json").read_text())
        since = found["since"]
        return str(found["gate"]), None if since is None else datetime.fromisoformat(since)
    name = secrets.token_hex(4)
    _begin(state, name, None)
    return name, None


def _begin(state: Path, name: str, since: datetime | None) -> None:
    fresh = state / ".gate.json"
    fresh.write_text(json.dumps({"gate": name, "since": None if since is None else since.isoformat()}))
    fresh.replace(state / "gate.json")
