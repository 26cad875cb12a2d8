// 10. Fan-out: one message to 1,000 WebSockets (--clients), by the backend's /ws/trading, by a plain loop over the ws package that
// makes each client's text, and by a bare loop that writes a ready frame to each socket: less than that nobody can take. A round is
// over when every client has every message; the next one begins then.
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createHistogram } from 'node:perf_hooks';
import { within } from '../../helpers/deadline.ts';
import type { BenchContext, ScenarioResult } from '../bench-context.ts';
import { FANOUT_BURSTS, fanoutSymbol } from '../fanout-workload.ts';
import type { BenchOptions } from '../options.ts';
import { median } from '../statistics.ts';

const MAIN = join(import.meta.dirname, '..', 'peers', 'fanout.ts');
const SERVERS = ['backend', 'ws', 'bare'] as const;
const NAMES = { backend: 'new backend', ws: 'plain ws loop', bare: 'bare writes' } as const;
const NANOSECONDS = 1_000_000;
const OPENING_MAX = 50;
const GOAL = 3;
const WAIT_MS = 30_000;

/** Counts whole text messages of a server: unmasked frames below 64 KiB. */
function createCounter(onMessages: (count: number) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    let count = 0;
    while (at + 4 <= bytes.length) {
      const short = bytes[at + 1] ?? 0;
      const end = short === 126 ? at + 4 + bytes.readUInt16BE(at + 2) : at + 2 + short;
      if (end > bytes.length) break;
      at = end;
      count += 1;
    }
    rest = bytes.subarray(at);
    if (count > 0) onMessages(count);
  };
}

/** A message of a client, masked with zeros (RFC 6455 section 5.3). */
function clientFrame(message: object): Buffer {
  const text = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
}

async function openClient(address: string): Promise<Socket> {
  const [host = '', port = ''] = address.split(':');
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
  };
  const upgrading = request({ host, port: Number(port), path: '/ws/trading', headers, agent: false });
  upgrading.end();
  const [, socket] = await within(once(upgrading, 'upgrade'), 'an upgrade', WAIT_MS);
  return socket;
}

interface Measured {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  /** From the telling until a client has it, while all the others are told too. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Messages a second of the server's CPU time, and of the clock; and how long they take to their clients. */
async function measure(
  listening: Readonly<Record<string, string>>,
  burst: number,
  { seconds, clients }: Pick<BenchOptions, 'seconds' | 'clients'>,
): Promise<Measured> {
  const sockets: Socket[] = [];
  let received = 0;
  let wanted = Number.POSITIVE_INFINITY;
  let arrived = () => {};
  let toldAtMs = 0;
  const takes = createHistogram();
  const onMessages = (count: number) => {
    received += count;
    takes.record(Math.max(1, Math.round((performance.now() - toldAtMs) * NANOSECONDS)));
    if (received >= wanted) arrived();
  };
  async function have(count: number): Promise<void> {
    wanted = count;
    const all = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    if (received < wanted) await within(all, `${count} messages, of which ${received} came`, WAIT_MS);
  }
  const lanes = Array.from({ length: OPENING_MAX }, async (_, lane) => {
    for (let n = lane; n < clients; n += OPENING_MAX) {
      const socket = await openClient(listening.http ?? '');
      socket.on('error', () => {}); // It is missed by its messages then.
      socket.on('data', createCounter(onMessages));
      sockets.push(socket);
    }
  });
  await Promise.all(lanes);
  const [host = '', port = ''] = (listening.control ?? '').split(':');
  const control = connect(Number(port), host);
  await once(control, 'connect');
  control.setNoDelay(true);
  const cpuMicroseconds = async (): Promise<number> => {
    control.write(Buffer.from([0]));
    const [text] = await within(once(control, 'data'), 'the CPU time', WAIT_MS);
    return Number(String(text));
  };
  async function rounds(forMs: number): Promise<number> {
    received = 0;
    let told = 0;
    const endsAt = performance.now() + forMs;
    while (performance.now() < endsAt) {
      toldAtMs = performance.now();
      control.write(Buffer.from([burst]));
      told += burst * clients;
      await have(told);
    }
    return told;
  }
  try {
    if (listening.subscribes !== undefined) {
      const frames = Array.from({ length: burst }, (_, i) =>
        clientFrame({ type: 'subscribe', token: fanoutSymbol(i) }),
      );
      for (const socket of sockets) socket.write(Buffer.concat(frames));
      await have(burst * clients); // Each subscription is confirmed.
    }
    await rounds(300); // Compiled by then; the first news of each channel too.
    await cpuMicroseconds();
    takes.reset();
    const startedAt = performance.now();
    const messages = await rounds(seconds * 1000);
    const tookMs = performance.now() - startedAt;
    return {
      perSecond: (messages * 1000) / tookMs,
      perCpuSecond: (messages * 1_000_000) / (await cpuMicroseconds()),
      p50Ms: takes.percentile(50) / NANOSECONDS,
      p99Ms: takes.percentile(99) / NANOSECONDS,
    };
  } finally {
    for (const socket of [...sockets, control]) socket.destroy();
  }
}

export async function benchFanout({ options, processes, say }: BenchContext): Promise<ScenarioResult> {
  say('10. fan-out: /ws/trading, a plain ws loop, and bare writes');
  const measured: Record<string, Measured[]> = {};
  for (let round = 0; round < options.rounds; round++) {
    for (const burst of FANOUT_BURSTS) {
      for (const server of SERVERS) {
        const running = await processes.startNode({ name: `fanout ${server}`, args: [MAIN, server], pinned: true });
        const listening = { ...running.listening, ...(server === 'backend' ? { subscribes: 'yes' } : {}) };
        const key = `${server} ${burst}`;
        measured[key] = [...(measured[key] ?? []), await measure(listening, burst, options)];
        await running.stop();
      }
    }
  }
  const of = (server: string, burst: number, pick: keyof Measured) =>
    median((measured[`${server} ${burst}`] ?? []).map((each) => each[pick]));
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  return {
    title: `10. fan-out to ${options.clients.toLocaleString('en')} WebSockets: messages a second`,
    tables: FANOUT_BURSTS.map((burst) => ({
      title: `${burst} at a time`,
      columns: ['delivered', 'of a core', 'x', 'p50 ms', 'p99 ms'],
      rows: SERVERS.map((server) => [
        NAMES[server],
        whole(of(server, burst, 'perSecond')),
        whole(of(server, burst, 'perCpuSecond')),
        (of(server, burst, 'perCpuSecond') / of('ws', burst, 'perCpuSecond')).toFixed(2),
        of(server, burst, 'p50Ms').toFixed(1),
        of(server, burst, 'p99Ms').toFixed(1),
      ]),
    })),
    budgets: FANOUT_BURSTS.map((burst) => {
      const times = of('backend', burst, 'perCpuSecond') / of('ws', burst, 'perCpuSecond');
      return {
        what: `messages of a core, ${burst} at a time, beside a plain ws loop that makes each client's text`,
        goal: `>= ${GOAL} x`,
        measured: `${times.toFixed(2)} x`,
        met: times >= GOAL,
      };
    }),
    notes: [
      'Of a core: by the CPU time of the server. Delivered may be bounded by the clients, which are on the other core.',
      'p50, p99: from the telling until a client has it, while all the others are told too.',
      'Bare writes: one ready frame, and nothing but the write to each socket. What is above it no server on Node can reach one at a time.',
      'The bus is in memory. The messages are the same, 450 bytes; the backend numbers, keeps and offers them for resuming besides.',
    ],
    data: measured,
    broken: [],
  };
}
