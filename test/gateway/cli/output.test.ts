// How the command line says things: for scripts by --plain, again by --watch, to people only where there are some, and never in colour.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCli } from '../../../gateway/cli/program.ts';
import { forPeople, plain, table } from '../../../gateway/cli/table.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../../helpers/upstream.ts';

const folder = mkdtempSync(join(tmpdir(), 'banyan-output-'));
const tokenFile = join(folder, 'token');
const BANYAN = join(import.meta.dirname, '..', '..', '..', 'bin', 'banyan.mjs');
/** What a terminal obeys: colours, cursors. */
const ESCAPE = '\u001b';
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

interface Terminal {
  readonly signal?: AbortSignal;
  readonly clear?: () => void;
  readonly ask?: () => Promise<boolean>;
}

function begin(args: readonly string[], terminal: Terminal = {}, at = gateway) {
  const [out, err]: [string[], string[]] = [[], []];
  const all = ['--url', at.operatorUrl, '--token-file', tokenFile, ...args];
  const output = { out: (text: string) => void out.push(text), err: (text: string) => void err.push(text) };
  return { out, err, code: runCli(all, { ...output, ...terminal }) };
}

async function banyan(...args: string[]) {
  const { out, err, code } = begin(args);
  return { code: await within(code, args.join(' ')), out: out.join('\n'), err: err.join('\n') };
}
const move = (stage: string) => banyan('stage', 'test.route', stage, '--reason', `to ${stage}`, '--force');

describe('a table', () => {
  const shown = table(
    ['ID', 'REASON'],
    [
      ['a', 'short'],
      ['a.long.one', 'two\nlines\tand a tab'],
    ],
  );

  it('for people has columns as wide as they need', () => {
    assert.equal(forPeople(shown), 'ID          REASON\na           short\na.long.one  two lines and a tab');
  });

  it('plain has a record a line and a tab between columns, whatever is in a cell', () => {
    assert.equal(plain(shown), 'ID\tREASON\na\tshort\na.long.one\ttwo lines and a tab');
  });

  it('without rows is a sentence for people, and the heads for scripts', () => {
    const empty = table(['ID'], [], 'there is none');
    assert.deepEqual([forPeople(empty), plain(empty)], ['there is none', 'ID']);
  });

  it('shows what would move the cursor, or colour what follows, as a mark', () => {
    const hostile = `${ESCAPE}[2Jgone\u009b31m\u0007`;
    for (const set of [forPeople, plain]) {
      assert.equal(set(hostile), '\ufffd[2Jgone\ufffd31m\ufffd');
      assert.match(set(table(['X'], [[hostile]])), /^X\n\ufffd\[2Jgone\ufffd31m\ufffd$/);
    }
  });
});

describe('--plain', () => {
  it('prints every list with a tab between columns, the heads first', async () => {
    const heads = {
      routes: /^ROUTE\tSTAGE\tNEW\tMIRROR\t.*\n {0}test\.route\tlegacy\t0 %\t/,
      diffs: /^ROUTE\tPATH\tKIND\t.*\n\nROUTE\tELIGIBLE\t/,
      rules: /^ID\tROUTE\tKIND\t[^\n]*$/,
      audit: /^AT\tWHO\tBY\tDID\tTO\tWHY/,
      jobs: /^JOB\tSTATE\tPHASE\t[^\n]*$/,
      loads: /^RUN\tVERDICT\tMISSED\t[^\n]*$/,
      notify: /^TARGET\tKIND\tFROM\t[^\n]*$/,
      doctor: /^\tCHECK\tFOUND\nok\t/,
    };
    for (const [command, expected] of Object.entries(heads))
      assert.match((await banyan('--plain', command)).out, expected);
  });

  it('and --json are one or the other', async () => {
    const { code, err } = await banyan('--plain', '--json', 'routes');
    assert.deepEqual([code, /cannot be used with option '--json'/.test(err)], [2, true]);
  });
});

describe('--watch', () => {
  it('says an answer again when it has changed, on a screen in the place of the one before', async () => {
    const end = new AbortController();
    let cleared = 0;
    const watching = begin(['--plain', 'plan', 'test.route', '--watch'], {});
    assert.equal(await within(watching.code, 'what fails at first'), 2);
    const routes = begin(['--plain', 'routes', '--watch'], { signal: end.signal, clear: () => void cleared++ });
    await eventually(() => routes.out.length === 1, 'the first answer');
    await move('shadow');
    await eventually(() => routes.out.some((text) => /test\.route\tshadow/.test(text)), 'the second');
    end.abort();
    assert.equal(await within(routes.code, 'the end'), 0);
    assert.equal(cleared, routes.out.length);
    assert.match(routes.out[0] ?? '', /test\.route\tlegacy/);
    await move('legacy');
  });

  it('with --json prints a document a line', async () => {
    const end = new AbortController();
    const watching = begin(['status', '--json', '--watch'], { signal: end.signal });
    await eventually(() => watching.out.length > 0, 'an answer');
    end.abort();
    await within(watching.code, 'the end');
    for (const line of watching.out)
      assert.deepEqual([JSON.parse(line).environment, line.includes('\n')], ['test', false]);
  });

  it('says once that the gateway is away, and goes on when it is back', async () => {
    const options = { legacy: upstream.url, new: upstream.url, routes: [routeOn('/api/*')] };
    const first = await startTestGateway(options);
    const end = new AbortController();
    const watching = begin(['jobs', '--watch'], { signal: end.signal }, first);
    await eventually(() => watching.out.length === 1, 'an answer');
    await first.close();
    await eventually(() => watching.err.length > 0, 'the note');
    const listen = first.operatorUrl.slice('http://'.length);
    const operator = { listen, tokens: [{ name: 'ops', role: 'operator', tokenEnv: 'OPERATOR' }] };
    const second = await startTestGateway({ ...options, overrides: { operator } });
    await eventually(() => watching.out.length === 2, 'the answer of the one that is back');
    end.abort();
    await within(watching.code, 'the end');
    await second.close();
    assert.equal(watching.err.length, 1);
    assert.match(watching.err[0] ?? '', /^note: cannot reach .*; trying again$/);
  });
});

describe('what is said to people', () => {
  it('is left out with --quiet, but for errors', async () => {
    const loud = await banyan('token');
    assert.match(loud.err, /^note: add to operator\.tokens/);
    assert.equal((await banyan('--quiet', 'token')).err, '');
    assert.match((await banyan('-q', 'route', 'nothing')).err, /^error: no route is called nothing/);
  });

  it('has no question with --no-input', async () => {
    const add = ['rules', 'add', 'test.route', 'ignore', '$.x', '--reason', 'r', '--owner', 'o', '--permanent', 'p'];
    let asked = 0;
    const ask = async () => {
      asked++;
      return false;
    };
    assert.equal(await within(begin(['--no-input', ...add], { ask }).code, 'a refusal'), 2);
    assert.equal(asked, 0);
    assert.equal(await within(begin(add, { ask }).code, 'an answer'), 1);
    assert.equal(asked, 1);
  });

  it('is never coloured, whatever is asked for', () => {
    for (const args of [['--no-color', 'routes'], ['routes'], ['nothing'], ['--help']]) {
      const options = ['--url', gateway.operatorUrl, '--timeout', '1'];
      const env = { ...process.env, FORCE_COLOR: '1', BANYAN_OPERATOR_TOKEN: 'none' };
      const { stdout, stderr } = spawnSync(process.execPath, [BANYAN, ...options, ...args], { env, encoding: 'utf8' });
      assert.equal(`${stdout}${stderr}`.includes(ESCAPE), false, args.join(' '));
    }
  });

  it('has examples and the version', async () => {
    assert.match((await banyan('--help')).out, /^Examples:\n {2}banyan status /);
    assert.match((await banyan('--version')).out, /^\d+\.\d+\.\d+$/);
  });
});

describe('the process', () => {
  const start = (...args: string[]) => {
    const all = [BANYAN, '--url', gateway.operatorUrl, '--token-file', '-', ...args];
    // A group of its own, as a shell gives it, all of which a terminal signals.
    const child = spawn(process.execPath, all, { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(`${OPERATOR_TOKEN}\n`);
    return child;
  };

  for (const command of [
    ['watch', '--json'],
    ['routes', '--watch'],
  ]) {
    it(`of banyan ${command.join(' ')} takes its token from stdin, and ends with 130 by Ctrl-C`, async () => {
      const child = start(...command);
      const exit = once(child, 'exit');
      try {
        await within(once(child.stdout, 'data'), 'the first line');
        process.kill(-(child.pid ?? 0), 'SIGINT');
        assert.deepEqual(await within(exit, 'the end'), [130, null]);
      } finally {
        if (child.exitCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL');
      }
    });
  }
});
