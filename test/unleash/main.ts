// A real Unleash server as a process of its own: --port N --database URL. Prints its listening line, ends on SIGTERM.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ADMIN_TOKEN, CLIENT_TOKEN } from '../helpers/unleash.ts';

interface UnleashServer {
  start(options: object): Promise<{ server: { address(): { port: number } }; stop(): Promise<void> }>;
}

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, database: { type: 'string' } } });
// By its place: it is installed in this folder only, and may be absent when types are checked.
const entry = createRequire(import.meta.url).resolve('unleash-server');
const { start }: UnleashServer = await import(pathToFileURL(entry).href);

/** Tokens as Unleash makes them up at its first start. */
const initApiTokens = [
  {
    ...{ secret: CLIENT_TOKEN, type: 'client', tokenName: 'client' },
    environment: 'development',
    projects: ['default'],
  },
  { ...{ secret: ADMIN_TOKEN, type: 'admin', tokenName: 'admin' }, environment: '*', projects: ['*'] },
];
const unleash = await start({
  databaseUrl: values.database,
  db: { ssl: false },
  server: { port: Number(values.port), host: '127.0.0.1', gracefulShutdownEnable: false },
  authentication: { initApiTokens },
  versionCheck: { enable: false },
  telemetry: false,
  disableScheduler: false,
});
process.on('SIGTERM', () => void unleash.stop().then(() => process.exit(0)));
console.log(JSON.stringify({ listening: { unleash: `127.0.0.1:${unleash.server.address().port}` } }));
