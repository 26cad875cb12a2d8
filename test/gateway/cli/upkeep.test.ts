// Watching, examining, completing and rehearsing, against a real gateway.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createClient } from '../../../gateway/cli/client.ts';
import { checkNode } from '../../../gateway/cli/doctor.ts';
import { parseEvent } from '../../../gateway/cli/events.ts';
import { runCli } from '../../../gateway/cli/program.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { closedPort, sendJson, startUpstream, type TestServer } from '../../helpers/upstream.ts';

const folder = mkdtempSync(join(tmpdir(), 'banyan-upkeep-'));
const tokenFile = join(folder, 'token');
let upstream: TestServer;
let gateway: TestGateway;
before(async () => {
  writeFileSync(tokenFile, OPERATOR_TOKEN);
  upstream = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
  gateway = await startTestGateway({ legacy: upstream.url, new: upstream.url, routes: [routeOn('/api/*')] });
});
after(async () => {
  await gateway.close();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly out: string[];
  readonly err: string[];
  readonly code: Promise<number>;
}

function begin(...args: string[]): Run {
  const [out, err]: [string[], string[]] = [[], []];
  const all = ['--url', gateway.operatorUrl, '--token-file', tokenFile, ...args];
  return { out, err, code: runCli(all, { out: (text) => void out.push(text), err: (text) => void err.push(text) }) };
}

async function banyan(...args: string[]) {
  const { out, err, code } = begin(...args);
  return { code: await within(code, args.join(' ')), out: out.join('\n'), err: err.join('\n') };
}
const move = (stage: string) => banyan('stage', 'test.route', stage, '--reason', `to ${stage}`, '--force');
const listening = () =>
  eventually(
    async () => /^banyan_operator_event_clients 1$/m.test((await gateway.api('GET', '/metrics')).body),
    'the watcher',
  );

describe('banyan watch', () => {
  it('says what changes, and ends when the route is where it should come to', async () => {
    const watching = begin('watch', 'test.route', '--until', 'live', '--for', '20');
    await listening();
    await move('shadow');
    await move('live');
    assert.equal(await within(watching.code, 'the end'), 0);
    const text = watching.out.join('\n');
    assert.match(text, /^\d{4}-\S+Z {2}test\.route: shadow$/m);
    assert.match(text, /^\d{4}-\S+Z {2}test\.route: live$/m);
    assert.match(text, /^\d{4}-\S+Z {2}ops: stage test\.route: to shadow$/m);
    await move('legacy');
  });

  it('prints one document a line for scripts', async () => {
    const watching = begin('watch', '--json', '--for', '1');
    assert.equal(await within(watching.code, 'the end'), 0);
    const events = watching.out.map((line) => JSON.parse(line).event);
    assert.deepEqual(events.slice(0, 2), ['hello', 'summary']);
  });

  it('exits 7 when it did not come about in time, and 4 when it may not look', async () => {
    const late = await banyan('watch', 'test.route', '--until', 'complete', '--for', '0.2');
    assert.deepEqual([late.code, /did not come to complete within 0\.2 s/.test(late.err)], [7, true]);
    const wrong = join(folder, 'wrong');
    writeFileSync(wrong, 'wrong');
    assert.equal((await banyan('--token-file', wrong, 'watch')).code, 4);
    assert.equal((await banyan('watch', '--until', 'live')).code, 2);
  });

  it('exits 8 when the route is rolled back while its stage is waited for', async () => {
    const watching = begin('watch', 'test.route', '--until', 'live', '--for', '20');
    await move('shadow');
    await eventually(() => watching.out.some((line) => line.includes('test.route: shadow')), 'the first move');
    await gateway.api('POST', '/api/routes/test.route/rollback', { reason: 'it differs' });
    assert.equal(await within(watching.code, 'the end'), 8);
    assert.match(watching.err.join('\n'), /test\.route was rolled back by ops: it differs/);
    await gateway.api('DELETE', '/api/routes/test.route/rollback', { reason: 'test' }, { 'if-match': '*' });
    await move('legacy');
  });

  it('reads an event with its id, and no event in a comment', () => {
    assert.deepEqual(parseEvent('id: a.1\nevent: rules\ndata: {"revision":1}'), {
      ...{ id: 'a.1', name: 'rules', data: { revision: 1 } },
    });
    assert.equal(parseEvent(': still here'), undefined);
    assert.equal(parseEvent('retry: 2000'), undefined);
  });
});

describe('banyan doctor', () => {
  it('all is well, then every check is ok, and the exit code 0', async () => {
    const { code, out } = await banyan('doctor', '--json');
    const { ok, checks } = JSON.parse(out);
    assert.deepEqual([code, ok], [0, true]);
    assert.deepEqual(
      checks.map(({ name }: { name: string }) => name),
      [
        'node',
        'gateway',
        'token',
        'ready',
        'workers',
        'config',
        'flags',
        'ledger',
        'evidence',
        'legacy',
        'new',
        'override',
      ],
    );
  });

  it('something is not, then what it is and what to do, and the exit code 1', async () => {
    await banyan('rollback', '--all', '--reason', 'outage');
    const { code, out } = await banyan('doctor');
    await banyan('rollback', '--all', '--lift', '--reason', 'over');
    assert.equal(code, 1);
    assert.match(out, /^FAIL +override +all routes forced by ops: outage -> banyan rollback --all --lift/m);
    const unreachable = await banyan('--url', `http://127.0.0.1:${await closedPort()}`, 'doctor');
    assert.equal(unreachable.code, 1);
    assert.match(unreachable.out, /^FAIL +gateway +cannot reach .* -> start it, or name its operator address/m);
    const wrong = join(folder, 'wrong');
    writeFileSync(wrong, 'wrong');
    assert.match((await banyan('--token-file', wrong, 'doctor')).out, /^ok +gateway .*\nFAIL +token /m);
  });

  it('looks at a configuration too, with every problem and its place', async () => {
    const file = join(folder, 'banyan.yaml');
    writeFileSync(file, 'version: 1\nlisten: nonsense\n');
    const { code, out } = await banyan('doctor', '--config', file);
    assert.equal(code, 1);
    assert.match(out, /^FAIL +configuration +\S+banyan\.yaml:2:9: listen -> expected HOST:PORT/m);
  });

  it('knows which Node is new enough', () => {
    const isEnough = (version: string) => checkNode(version).ok;
    assert.deepEqual(['24.15.0', '24.20.1', '26.0.0'].map(isEnough), [true, true, true]);
    assert.deepEqual(['24.14.9', '22.30.0', '20.20.2'].map(isEnough), [false, false, false]);
  });
});

describe('banyan completion', () => {
  const complete = async (line: string) => {
    const { out } = await banyan('completion', 'bash');
    const words = line.split(' ');
    const script = `${out}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})\nCOMP_CWORD=${words.length - 1}\n_banyan\necho "\${COMPREPLY[@]}"`;
    return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim().split(' ');
  };

  it('completes commands, commands of commands, and options', async () => {
    assert.deepEqual((await complete('banyan st')).sort(), ['stage', 'status']);
    assert.deepEqual(await complete('banyan context '), ['add', 'use', 'list', 'remove', '--help']);
    assert.deepEqual(await complete('banyan stage --mir'), ['--mirror-percent']);
    assert.deepEqual(await complete('banyan diffs replay --ag'), ['--against']);
    assert.deepEqual(await complete('banyan --js'), ['--json']);
  });

  it('is there for each shell, and for no other', async () => {
    assert.match((await banyan('completion', 'zsh')).out, /bashcompinit/);
    const fish = (await banyan('completion', 'fish')).out;
    assert.match(fish, /^complete -c banyan -n '__fish_use_subcommand' -a watch -d /m);
    assert.match(
      fish,
      /^complete -c banyan -n '__fish_seen_subcommand_from diffs; and __fish_seen_subcommand_from replay' -l against/m,
    );
    assert.equal((await banyan('completion', 'tcsh')).code, 2);
  });
});

describe('--dry-run', () => {
  it('says what would be changed, and changes nothing', async () => {
    const entries = async () => (await gateway.api('GET', '/api/audit')).body.entries.length;
    const before = await entries();
    const { code, out, err } = await banyan('stage', 'test.route', 'live', '--reason', 'x', '--dry-run');
    assert.equal(code, 0);
    assert.equal(out, 'would PUT /api/routes/test.route/stage {"stage":"live","reason":"x"}');
    assert.equal(err, 'note: nothing was changed');
    const json = JSON.parse((await banyan('rollback', '--all', '--reason', 'x', '--dry-run', '--json')).out);
    assert.deepEqual([json.dryRun, json.method, json.path, json.ifMatch], [true, 'POST', '/api/rollback', null]);
    assert.equal((await banyan('stage', 'nope', 'live', '--reason', 'x', '--dry-run')).code, 2);
    assert.equal(await entries(), before);
  });
});

describe('a change whose connection breaks off', () => {
  it('is sent again with the same key, so that it is done once', async () => {
    const keys: (string | undefined)[] = [];
    const server = createServer((incoming, outgoing) => {
      keys.push(String(incoming.headers['idempotency-key']));
      if (keys.length < 3) incoming.socket.destroy();
      else sendJson(outgoing, 200, { done: true });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const api = createClient({ url, token: 'x', timeoutMs: 5_000 });
    assert.deepEqual((await api.send('POST', '/api/rollback', { reason: 'x' })).body, { done: true });
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 1);
    await api.send('POST', '/api/rollback', { reason: 'x' });
    assert.equal(new Set(keys).size, 2, 'another change has another key');
    server.close();
    server.closeAllConnections();
  });
});
