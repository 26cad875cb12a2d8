// Who may import whom, as a table; and that what the documents name is there.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');

/** What each folder's files may import of ours besides their own folder. The longest matching folder counts. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  config: [],
  'gateway/upstream': [],
  'gateway/proxy': ['config', 'gateway/routing/side.ts', 'gateway/upstream'],
  'gateway/routing': ['config', 'gateway/proxy/headers.ts'],
  'gateway/jobs': ['config', 'gateway/ledger', 'gateway/rollout', 'gateway/settings.ts'],
  'gateway/load-runs': ['config'],
  'gateway/ledger': ['config', 'gateway/routing'],
  'gateway/mirror': ['config', 'gateway/proxy', 'gateway/routing', 'gateway/upstream'],
  'gateway/notify': ['config', 'gateway/ledger', 'gateway/metrics.ts', 'gateway/rollout', 'gateway/routing'],
  'gateway/rollout': ['config', 'gateway/ledger', 'gateway/mirror/confidence.ts', 'gateway/routing'],
  'gateway/streams': ['config', 'gateway/proxy', 'gateway/routing', 'gateway/upstream'],
  'gateway/tracing': ['config', 'gateway/proxy', 'gateway/routing'],
  'gateway/writes': [
    'config',
    'gateway/ledger',
    'gateway/metrics.ts',
    'gateway/mirror/decode.ts',
    'gateway/mirror/redact.ts',
    'gateway/proxy',
    'gateway/rollout/certificates.ts',
    'gateway/rollout/changes.ts',
    'gateway/routing',
    'gateway/settings.ts',
  ],
  'gateway/operator': ['config', 'gateway'],
  'gateway/cli': [
    'config',
    'gateway/ledger/audit-chain.ts',
    'gateway/mirror/replay.ts',
    'gateway/mirror/windows.ts',
    'gateway/proxy/headers.ts',
    'gateway/rollout/stage.ts',
    'gateway/routing/pin.ts',
    'gateway/routing/side.ts',
    'gateway/serve.ts',
  ],
  gateway: ['config', 'gateway'],
  'backend/domain': [],
  'backend/store': ['config', 'backend/domain'],
  'backend/bus': ['config', 'backend/domain'],
  'backend/exchange': ['config', 'backend/domain', 'backend/metrics.ts', 'backend/protobuf.ts'],
  // Dry runs: ports and the app, and nothing that could reach the exchange or the table.
  'backend/shadow': [
    'config',
    'backend/app.ts',
    'backend/bus/bus.ts',
    'backend/domain',
    'backend/errors.ts',
    'backend/exchange/exchange.ts',
    'backend/http.ts',
    'backend/metrics.ts',
    'backend/risk',
    'backend/solana/execution/hand.ts',
  ],
  backend: ['config', 'backend'],
  migration: ['config', 'backend/domain', 'backend/store'],
  loadtest: ['config'],
  test: ['config', 'gateway', 'backend', 'migration', 'loadtest'],
  '.ci': [],
};

/** Of these a folder's other files stay out: it is a peer across the network, so that either side can be deleted. */
const NEVER: readonly (readonly [from: string, to: string])[] = [
  ['gateway', 'backend'],
  ['gateway', 'migration'],
  ['backend', 'gateway'],
  ['backend', 'migration'],
];

const SPECIFIER =
  /^(?:import|export)\s[^'"]*?from\s+['"](\.[^'"]+)['"]|^import\s+['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]/gm;

const files = globSync(
  [
    'config/**/*.ts',
    'gateway/**/*.ts',
    'backend/**/*.ts',
    'migration/**/*.ts',
    'loadtest/**/*.ts',
    'test/**/*.ts',
    '.ci/*.ts',
  ],
  { cwd: ROOT, exclude: ['**/node_modules/**'] },
).map((file) => file.split(sep).join('/'));

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(SPECIFIER)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    return normalize(join(dirname(file), specifier))
      .split(sep)
      .join('/');
  });
}

const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);

function ruleOf(file: string): string {
  const folders = Object.keys(MAY_IMPORT).filter((folder) => isBelow(file, folder));
  const rule = folders.sort((a, b) => b.length - a.length)[0];
  assert.ok(rule, `${file} is in no known folder; add it to the table`);
  return rule;
}

describe('the architecture', () => {
  it('has files to look at', () => {
    assert.ok(files.length > 100, `${files.length} files`);
  });

  it('lets each folder import only what the table allows', () => {
    const violations: string[] = [];
    for (const file of files) {
      const rule = ruleOf(file);
      const allowed = [rule, ...(MAY_IMPORT[rule] ?? [])];
      for (const target of importsOf(file)) {
        if (!allowed.some((folder) => isBelow(target, folder))) violations.push(`${file} imports ${target}`);
        for (const [from, to] of NEVER) {
          if (isBelow(file, from) && isBelow(target, to)) violations.push(`${file} imports ${target}: never`);
        }
      }
    }
    assert.deepEqual(violations, []);
  });

  it('has no import cycles', () => {
    const graph = new Map(files.map((file) => [file, importsOf(file)]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      if (done.has(file)) return;
      for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    assert.deepEqual(cycles, []);
  });

  it('reads the environment in config/ only', () => {
    const readers = files.filter(
      (file) =>
        !isBelow(file, 'config') &&
        !isBelow(file, 'test') &&
        /process\.env/.test(readFileSync(join(ROOT, file), 'utf8')),
    );
    assert.deepEqual(readers, []);
  });

  it('has every file and script that the documents name', () => {
    const scripts: Record<string, string> = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts;
    const missing: string[] = [];
    for (const document of ['README.md', 'MIGRATION.md']) {
      const text = readFileSync(join(ROOT, document), 'utf8');
      for (const [, path = ''] of text.matchAll(
        /[`(]((?:config|gateway|backend|migration|loadtest|test|bin|docs|\.ci)\/[\w./-]*)[`)]/g,
      )) {
        if (!existsSync(join(ROOT, path))) missing.push(`${document} names ${path}`);
      }
      for (const [, script = ''] of text.matchAll(/\bnpm run ([\w:-]+)/g)) {
        if (!(script in scripts)) missing.push(`${document} names npm run ${script}`);
      }
    }
    assert.deepEqual(missing, []);
  });
});
