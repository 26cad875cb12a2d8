// `npm start [-- --traffic]`: the whole sandbox on this machine, until Ctrl-C. `--help` tells the options.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { createListingTraffic } from './listing-traffic.ts';
import { choosePorts } from './start/ports.ts';
import { Interrupted, startSandbox } from './start/sandbox.ts';
import { welcome } from './start/welcome.ts';
import { createStreamTraffic } from './stream-traffic.ts';
import { createTraffic } from './traffic.ts';

const HELP = `npm start -- [OPTIONS]
  --traffic         add a steady client that reads and trades through the gateway
  --rps N           its requests per second (20)
  --data DIR        where state is kept (.data)
  --port-base N     listen on N to N+9 instead of the usual ports; 0 picks free ones
  --without-gateway start everything but the gateway
  --no-planted      a legacy backend without the planted differences
`;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        traffic: { type: 'boolean', default: false },
        rps: { type: 'string', default: '20' },
        data: { type: 'string', default: '.data' },
        'port-base': { type: 'string' },
        'without-gateway': { type: 'boolean', default: false },
        'no-planted': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const base = values['port-base'] === undefined ? undefined : Number(values['port-base']);
    if (base !== undefined && !(Number.isInteger(base) && base >= 0 && base <= 65_000))
      throw new Error('--port-base must be a port');
    if (!(Number(values.rps) > 0)) throw new Error('--rps must be a number above 0');
    return { ...values, base, rps: Number(values.rps) };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${HELP}`);
    process.exit(2);
  }
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
  const interrupted = new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve()));
  const say = (line: string): void => console.error(line);
  const startedAtMs = performance.now();
  const sandbox = await startSandbox(
    {
      dataDir: options.data,
      ports: choosePorts(options.base),
      gateway: !options['without-gateway'],
      planted: !options['no-planted'],
      newSeeded: true,
      onProgress: say,
    },
    interrupt.signal,
  );
  console.log(JSON.stringify({ listening: sandbox.listening }));
  say(welcome(sandbox, { dataDir: options.data, tookMs: performance.now() - startedAtMs }));
  const { traffic: gateway } = sandbox.listening;
  const traffic =
    options.traffic && gateway
      ? createTraffic({ url: `http://${gateway}`, rps: options.rps, onReport: say })
      : undefined;
  const streams = options.traffic && gateway ? createStreamTraffic(`http://${gateway}`) : undefined;
  const { exchange, new: fresh } = sandbox.listening;
  const listings =
    options.traffic && exchange && fresh ? createListingTraffic({ exchange, backend: fresh, say }) : undefined;
  try {
    await Promise.race([sandbox.failed, interrupted]);
    say('stopping');
  } finally {
    const [summary] = await Promise.all([traffic?.stop(), streams?.stop(), listings?.stop()]);
    if (summary) say(JSON.stringify({ ...summary, streams: streams?.counts() }));
    await sandbox.stop();
  }
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`sandbox: ${error instanceof Error ? error.message : error}`);
  process.exit(error instanceof Interrupted ? 0 : 1);
}
