"""Signals that end a command take Ctrl-C's way, so that what is running is stopped and what was made is removed."""

from __future__ import annotations

import os
import signal
from types import FrameType

from gatelocal import stopping

_ENDING = (signal.SIGTERM, signal.SIGHUP)


def end_as_interrupted() -> None:
    """From now on SIGTERM and SIGHUP raise KeyboardInterrupt as SIGINT does, each unless an end was asked for before.

    A second SIGINT ends at once what can be ended so (:func:`gatelocal.stopping.at_once`), without cutting the tidying
    short; where nothing can be, and at the third, it raises again. A signal that is ignored (as under ``nohup``) stays
    ignored. A child that goes on in this program after a fork ends by the signal as usual.
    """
    owner, heard = os.getpid(), 0

    def end(number: int, _: FrameType | None) -> None:
        nonlocal heard
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if heard and number != signal.SIGINT:
            return
        heard += 1
        if heard != 2 or not stopping.end_at_once():
            raise KeyboardInterrupt

    for each in (signal.SIGINT, *_ENDING):
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, end)
