// Gerrit's tab "Checks": the builds that a gate has made of a change. It reads the gate's interface and changes nothing.
"use strict";
Gerrit.install((plugin) => {
  const gate = "%GATE%";
  const status = {done: "COMPLETED", running: "RUNNING", paused: "RUNNING"};
  const harmless = {SUCCESS: "SUCCESS", SKIPPED: "INFO", ABORTED: "INFO"};

  function nameOf(build) {
    return `${build.job} (${build.pipeline}${build.control ? ", without the change" : ""})`;
  }

  function results(build) {
    if (build.state !== "done") return [];
    const links = build.log
      ? [{url: `${gate}api/builds/${build.id}/log`, tooltip: "its log", primary: true, icon: "external"}]
      : [];
    return [{
      category: harmless[build.result] || (build.voting ? "ERROR" : "WARNING"),
      summary: `${build.result}${build.voting ? "" : " (non-voting)"}`,
      message: [build.reason, ...build.notes].filter(Boolean).join("\n"),
      links,
    }];
  }

  function run(build, attempt, number) {
    return {
      patchset: build.patchset,
      attempt,
      externalId: String(build.id),
      change: number,
      checkName: nameOf(build),
      status: status[build.state] || "SCHEDULED",
      statusDescription: build.state === "done" ? build.result : build.state,
      statusLink: `${gate}builds/${build.id}`,
      startedTimestamp: build.started ? new Date(build.started) : undefined,
      finishedTimestamp: build.ended ? new Date(build.ended) : undefined,
      results: results(build),
    };
  }

  async function fetchRuns(change) {
    let answer;
    try {
      const query = `change=${change.changeNumber}&limit=500`;
      answer = await fetch(`${gate}api/builds?${query}`, {credentials: "omit"});
    } catch (error) {
      return {responseCode: "ERROR", errorMessage: `${gate} does not answer`};
    }
    if (!answer.ok) return {responseCode: "ERROR", errorMessage: `${gate} answers with ${answer.status}`};
    const attempts = new Map();
    const runs = [];
    for (const build of (await answer.json()).builds.reverse()) {
      if (build.patchset !== change.patchsetNumber) continue;
      const name = nameOf(build);
      attempts.set(name, (attempts.get(name) || 0) + 1);
      runs.push(run(build, attempts.get(name), change.changeNumber));
    }
    return {responseCode: "OK", runs, links: [{
      url: `${gate}changes/${change.changeNumber}`, tooltip: "the gate", primary: true, icon: "external",
    }]};
  }

  plugin.checks().register({fetch: fetchRuns}, {fetchPollingIntervalSeconds: 20});
});
