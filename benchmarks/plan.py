"""How long `gatelocal plan` takes with nothing cached and with everything cached, as whole commands.

    benchmarks/plan.py --config FILE --project openstack/nova [--branch master] [--pipeline gate] [--times 5]

Targets for nova with its eleven neighbours on two cores: 6 s cold, 0.7 s warm.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path


def main() -> int:
    """Measure, and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, type=Path)
    parser.add_argument("--tenant")
    parser.add_argument("--project", required=True)
    parser.add_argument("--branch", default="master")
    parser.add_argument("--pipeline", default="gate")
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    command = [str(Path(sys.executable).parent / "gatelocal"), "plan", "--json", "--config", str(asked.config)]
    command += ["--project", asked.project, "--branch", asked.branch, "--pipeline", asked.pipeline]
    command += ["--tenant", asked.tenant] if asked.tenant else []
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(asked.times):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "GATELOCAL_CACHE": folder, "GATELOCAL_STATE": folder}
            seconds, plan = _run(command, environment)
            cold.append(seconds)
            again, same = _run(command, environment)
            warm.append(again)
            assert plan == same, "the cache changes the plan"
    rules = Counter(job["rule"] for job in plan["jobs"])
    print(f"{asked.project} {asked.branch} {asked.pipeline}: {len(plan['jobs'])} jobs, {dict(rules)}")
    print(f"cold: {statistics.median(cold):.2f} s (worst {max(cold):.2f} s)")
    print(f"warm: {statistics.median(warm):.2f} s (worst {max(warm):.2f} s)")
    return 0


def _run(command: list[str], environment: dict[str, str]) -> tuple[float, dict[str, list[dict[str, str]]]]:
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    seconds = time.perf_counter() - began
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return seconds, json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
