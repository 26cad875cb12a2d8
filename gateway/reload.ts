// Loads the configuration anew when its file changes or a signal asks for it. A file that is wrong changes nothing: the
// last good configuration stays in force, and says so.
import { readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { loadGatewayConfig } from '../config/load-gateway.ts';

/** Editors and mounted volumes change a file in several steps; one reading after the last of them is enough. */
const SETTLE_MS = 50;

export interface ReloadOutcome {
  /** `unchanged`: the file says what is in force already. */
  readonly result: 'applied' | 'unchanged' | 'refused';
  /** Why it was refused. */
  readonly problem: string | undefined;
}

export interface Reloader {
  /** Reads the file now. Never rejects. */
  reload(): Promise<ReloadOutcome>;
  /** Why the file is not what is in force, or undefined. */
  problem(): string | undefined;
  close(): void;
}

export interface ReloadDeps {
  readonly file: string;
  /** Puts a configuration in force; answers the keys that need a restart, and then has changed nothing. */
  apply(config: GatewayConfig): Promise<readonly string[]>;
  onOutcome(outcome: ReloadOutcome): void;
}

export function createReloader({ file, apply, onOutcome }: ReloadDeps): Reloader {
  let inForce = readText(file);
  let problem: string | undefined;
  let settling: NodeJS.Timeout | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  async function load(): Promise<ReloadOutcome> {
    const text = readText(file);
    if (text !== undefined && text === inForce) {
      problem = undefined;
      return { result: 'unchanged', problem };
    }
    problem = await attempt();
    if (problem === undefined) inForce = text;
    return { result: problem === undefined ? 'applied' : 'refused', problem };
  }

  /** Why the file's configuration is not in force now. */
  async function attempt(): Promise<string | undefined> {
    try {
      const fixed = await apply(loadGatewayConfig(file));
      return fixed.length === 0
        ? undefined
        : `${file}: ${fixed.join(', ')} cannot change while running; restart the gateway`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  function reload(): Promise<ReloadOutcome> {
    const outcome = turn.then(load);
    turn = outcome;
    void outcome.then((done) => {
      if (done.result !== 'unchanged') onOutcome(done);
    });
    return outcome;
  }

  // The folder, not the file: an editor replaces the file, and a mounted volume switches a link beside it.
  const watcher = watch(dirname(file), { persistent: false }, () => {
    clearTimeout(settling);
    settling = setTimeout(() => void reload(), SETTLE_MS);
  });
  watcher.on('error', (error) => {
    problem = `${file} is no longer watched (${error.message}); send SIGHUP after a change`;
  });
  return {
    reload,
    problem: () => problem,
    close() {
      clearTimeout(settling);
      watcher.close();
    },
  };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // Loading it says why.
  }
}
