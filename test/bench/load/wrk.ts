// wrk (github.com/wg/wrk): the fastest generator at hand, closed loop only.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requestsOf, WORKLOADS, type Workload } from '../workload.ts';
import type { LoadGenerator, LoadResult } from './load.ts';

const run = promisify(execFile);
/** How long wrk may take to stop beyond the time it was given. */
const STOP_MS = 10_000;

/** wrk with scripts written to `folder`; killed when `ending` is aborted. */
export function createWrk(folder: string, ending?: AbortSignal): LoadGenerator {
  mkdirSync(folder, { recursive: true });
  const scripts = Object.fromEntries(WORKLOADS.map((each) => [each, join(folder, `${each}.lua`)]));
  for (const workload of WORKLOADS) writeFileSync(scripts[workload] as string, luaScript(workload));

  return async ({ target, workload, seconds, connections }) => {
    const args = ['-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`, '--timeout', '5s', '--latency'];
    const { stdout } = await run('wrk', [...args, '-s', scripts[workload] as string, `http://${target}`], {
      timeout: seconds * 1_000 + STOP_MS,
      killSignal: 'SIGKILL',
      ...(ending ? { signal: ending } : {}),
    });
    return readSummary(stdout);
  };
}

/** The requests are written out beforehand, so that going round the users costs wrk next to nothing. */
function luaScript(workload: Workload): string {
  return `
local requests, at = { ${requestsOf(workload)
    .map((each) => JSON.stringify(each))
    .join(',\n')} }, 0
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local failed = summary.errors
  io.write(string.format('\\nSUMMARY {"requests":%d,"us":%d,"p50":%d,"p99":%d,"p999":%d,"errors":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
`;
}

/** What the script's done() printed. @throws when it is not there. */
export function readSummary(stdout: string): LoadResult {
  const line = /^SUMMARY (.*)$/m.exec(stdout)?.[1];
  if (!line) throw new Error(`wrk printed no summary; it said: ${stdout.slice(0, 500)}`);
  const { requests, us, p50, p99, p999, errors } = JSON.parse(line) as Record<string, number>;
  return {
    requests: requests ?? 0,
    requestsPerSecond: us ? (requests ?? 0) / (us / 1e6) : 0,
    p50Ms: (p50 ?? 0) / 1_000,
    p99Ms: (p99 ?? 0) / 1_000,
    p999Ms: (p999 ?? 0) / 1_000,
    errors: errors ?? 0,
  };
}
