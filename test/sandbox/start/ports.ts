import { once } from 'node:events';
import { createServer } from 'node:net';

/** What listens in the sandbox, with its usual port and its place when the ports are moved together. */
const SERVICES = {
  traffic: { usual: 8080, offset: 0, label: "the gateway's traffic" },
  operator: { usual: 8081, offset: 1, label: "the operator's API and console" },
  legacy: { usual: 8001, offset: 2, label: 'the legacy backend' },
  new: { usual: 8002, offset: 3, label: 'the new backend' },
  exchange: { usual: 8010, offset: 4, label: 'the simulated exchange' },
  postgres: { usual: 8011, offset: 5, label: 'Postgres' },
  dynamodb: { usual: 8012, offset: 6, label: 'DynamoDB' },
  redis: { usual: 8013, offset: 7, label: 'Redis' },
  frontend: { usual: 8082, offset: 8, label: 'the frontend' },
  geyser: { usual: 8014, offset: 9, label: 'the simulated Geyser server' },
  solana: { usual: 8015, offset: 10, label: 'the simulated Solana RPC' },
} as const;

export type Service = keyof typeof SERVICES;
export type Ports = Readonly<Record<Service, number>>;

/** The usual ports when `base` is undefined, free ones (0) when it is 0, else `base` and the ten after it. */
export function choosePorts(base: number | undefined): Ports {
  const entries = Object.entries(SERVICES).map(([name, { usual, offset }]) => {
    const port = base === undefined ? usual : base === 0 ? 0 : base + offset;
    return [name, port];
  });
  return Object.fromEntries(entries) as Ports; // The keys are those of SERVICES.
}

/** What to tell the user about ports that somebody else has; empty when all are free. */
export async function takenPorts(ports: Ports): Promise<readonly string[]> {
  const taken: string[] = [];
  for (const [name, { label }] of Object.entries(SERVICES)) {
    const port = ports[name as Service];
    if (port !== 0 && !(await isFree(port))) taken.push(`port ${port} (${label}) is taken`);
  }
  return taken;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
