"""Known bugs told while a job still runs."""

from __future__ import annotations

from gatelocal.engine.live import Live
from gatelocal.model.happening import Happening, JobStarted, Output, Progress
from gatelocal.results.fingerprints.matcher import Matcher
from tests.gatelocal.results.fingerprints.samples import fingerprint


def test_a_bug_is_told_once_while_the_job_runs() -> None:
    told: list[Happening] = []
    prints = [
        fingerprint('message:"it hangs" AND tags:console', "1234567", title="It hangs"),
        fingerprint('message:"it hangs"', "2", **{"suppress-notification": True}),
        fingerprint('message:"it hangs" AND build_name:other', "3"),
    ]
    live = Live(told.append, Matcher(prints))
    live(Output(job="unit", line="it hangs before anything"))
    live(JobStarted(job="unit", attempt=1, logs="x"))
    for number in range(2000):
        live(Output(job="unit", line=f"line {number} that says nothing" if number % 500 else "and it hangs\x1b[0m"))
    said = [(one.job, one.text) for one in told if isinstance(one, Progress)]
    link = "https://bugs.launchpad.net/bugs/1234567"
    assert said == [("unit", f"this looks like a known bug: 1234567 It hangs {link}: and it hangs")]
    assert len(told) == 2003
