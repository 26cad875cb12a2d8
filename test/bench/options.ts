// The command line of the benchmark.
import { parseArgs } from 'node:util';

export const SCENARIOS = [
  'forward',
  'mirror',
  'hostile',
  'memory',
  'websocket',
  'events',
  'compare',
  'backend',
  'market-data',
  'decisions',
  'fanout',
  'migration',
  'sniper',
  'solana',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** What the gateway is compared with, besides itself. */
export const PEERS = ['nginx', 'haproxy', 'http-proxy', 'fastify', 'fast-gateway', 'hono', 'undici'] as const;
export type PeerName = (typeof PEERS)[number];

export interface BenchOptions {
  readonly quick: boolean;
  /** Of one measurement. */
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  /** Of the fan-out. */
  readonly clients: number;
  readonly scenarios: readonly ScenarioName[];
  readonly peers: readonly PeerName[];
  readonly jsonFile: string | undefined;
}

export const USAGE = `usage: npm run bench -- [--quick] [--seconds N] [--rounds N] [--clients N] [--only NAME,...] [--json FILE]

  --quick          one short round of the most telling measurements: under a minute instead of some 2 minutes
  --seconds N      length of one measurement (default 1; to quote numbers, take 3)
  --rounds N       rounds of each, interleaved; medians are shown (default 3)
  --clients N      of the fan-out (default 1000)
  --only NAME,...  scenarios: ${SCENARIOS.join(', ')}; and peers: ${PEERS.join(', ')}
  --json FILE      writes everything that was measured`;

const CONNECTIONS = 64;
const CLIENTS = 1000;
/** As many as a backend takes. */
const CLIENTS_MAX = 20_000;
const SECONDS_MAX = 600;
const ROUNDS_MAX = 100;

/** @throws {Error} whose message says what is wrong with the arguments. */
export function readOptions(argv: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      clients: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { quick } = values;
  const names = values.only?.split(',').map((name) => name.trim()) ?? [];
  const unknown = names.find((name) => !isOneOf(SCENARIOS, name) && !isOneOf(PEERS, name));
  if (unknown !== undefined) throw new Error(`--only: there is no "${unknown}"`);
  const scenarios = SCENARIOS.filter((name) => names.includes(name));
  const peers = PEERS.filter((name) => names.includes(name));
  return {
    quick,
    seconds: wholeNumber('--seconds', values.seconds, 1, SECONDS_MAX),
    rounds: wholeNumber('--rounds', values.rounds, quick ? 1 : 3, ROUNDS_MAX),
    connections: CONNECTIONS,
    clients: wholeNumber('--clients', values.clients, CLIENTS, CLIENTS_MAX),
    scenarios: scenarios.length > 0 ? scenarios : SCENARIOS,
    peers: peers.length > 0 ? peers : quick ? QUICK_PEERS : PEERS,
    jsonFile: values.json,
  };
}

/** The fastest of their kinds. */
const QUICK_PEERS: readonly PeerName[] = ['nginx', 'undici'];

function isOneOf<T extends string>(list: readonly T[], name: string): name is T {
  return (list as readonly string[]).includes(name);
}

function wholeNumber(flag: string, text: string | undefined, usual: number, max: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`${flag}: expected a whole number from 1 to ${max}, got "${text}"`);
}
