// What every scenario is given.
import type { LoadGenerator } from './load/load.ts';
import type { Machine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import type { Processes } from './processes.ts';

export interface BenchContext {
  readonly options: BenchOptions;
  readonly machine: Machine;
  readonly processes: Processes;
  /** Closed loops: wrk where there is one. */
  readonly generate: LoadGenerator;
  /** Keeps a fixed rate, and checks every byte. */
  readonly generateAtRate: LoadGenerator;
  /** For generated configuration, state and logs; removed at the end. */
  readonly folder: string;
  /** `host:port` by behaviour (`ok`, `streams`, `hang`, `reset`, `garbage`) of the stand-ins for the two sides. */
  readonly legacy: Readonly<Record<string, string>>;
  readonly new: Readonly<Record<string, string>>;
  /** Aborted when the benchmark is told to end. */
  readonly ending: AbortSignal;
  /** Tells the user what goes on; not part of the result. */
  readonly say: (line: string) => void;
}

/** What a scenario hands back. */
export interface ScenarioResult {
  readonly title: string;
  readonly tables: readonly Table[];
  readonly budgets: readonly Budget[];
  /** What a reader must know to read the numbers. */
  readonly notes: readonly string[];
  /** The same, for --json. */
  readonly data: unknown;
  /** Answers that were wrong or missing where none may be: what makes a run fail. */
  readonly broken: readonly string[];
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Budget {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  /** Undefined when it could not be measured here. */
  readonly met: boolean | undefined;
}
