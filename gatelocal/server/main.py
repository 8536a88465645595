"""The whole daemon put together: configuration, memory, gate and page; from its start to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gatelocal.config import gate_file
from gatelocal.ports import Say
from gatelocal.server import http
from gatelocal.server.api import Api
from gatelocal.server.commands import Commands
from gatelocal.server.daemon import Daemon, Ended
from gatelocal.server.events import Events
from gatelocal.server.opening import opened
from gatelocal.server.tokens import Tokens
from gatelocal.server.views import View

ADDRESS = "url"
"""The file in the state's folder that has the page's address while the daemon is there."""


def serving(
    config: Path,
    environment: Mapping[str, str],
    say: Say,
    enders: list[Callable[[], None]],
    tell: Callable[[str], None],
) -> None:
    """Be a daemon until one of the enders is called.

    :param enders: receives what ends it, from a signal's handler. :param tell: receives the one line for programs.
    :raises gatelocal.errors.ConfigurationError: with file and line. :raises InfrastructureError: another is there.
    """
    file = gate_file.load(config)
    with opened(file, environment, say) as (parts, read):
        page = http.listen(*file.listen, file.at("listen"))
        address = file.state / ADDRESS
        daemon = Daemon(parts, read, page.url)
        view = View(daemon)
        events = Events(view)
        parts.listeners.append(events.tell)
        enders.append(lambda: parts.inbox.interrupt(Ended()))

        def ready() -> None:
            page.serve(Api(view, Commands(daemon), Tokens(file.tokens), events).app())
            address.write_text(f"{page.url}\n")
            tell(f"listening on {page.url.rstrip('/')}")

        try:
            daemon.run(ready)
        except Ended:
            say("told to end: builds that run go on")
        finally:
            page.close()
            address.unlink(missing_ok=True)
