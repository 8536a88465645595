"""Tests HEAD of the work tree that it is started in, and ends with the verdict's exit code."""

import sys

from gatelocal import Gate, GateRequest, errors, happening

request = GateRequest("HEAD", node=sys.argv[1] if len(sys.argv) > 1 else "auto", width=2)
try:
    with Gate().follow(request) as run:
        for one in run:
            match one:
                case happening.JobStarted():
                    print(f"{one.at:6.1f} s: {one.job} begins, attempt {one.attempt}; logs are in {one.logs}")
                case happening.JobEnded():
                    failed = [test.name for test in one.build.failures]
                    print(f"{one.at:6.1f} s: {one.job}: {one.build.outcome.value}", *failed)
except errors.GateError as error:
    print(f"no verdict: {error.brief}\n{error.details}\n{error.hint}", file=sys.stderr)
    sys.exit(error.exit_code)
print(run.result.verdict.value)
sys.exit(run.result.verdict.exit_code)
