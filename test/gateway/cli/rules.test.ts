// `banyan rules` against a real gateway: what is shown before a rule is made, who is asked, and the exit codes.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { parse } from 'yaml';
import { runCli } from '../../../gateway/cli/program.ts';
import { eventually } from '../../helpers/deadline.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../../helpers/upstream.ts';

const REVIEWED = ['--reason', 'rounded elsewhere', '--owner', 'trading', '--expires', '2099-01-31'];

describe('banyan rules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-cli-rules-'));
  const tokenFile = join(folder, 'token');
  let legacy: TestServer;
  let fresh: TestServer;
  let gateway: TestGateway;
  before(async () => {
    writeFileSync(tokenFile, OPERATOR_TOKEN);
    legacy = await startUpstream((_, outgoing) => sendJson(outgoing, 200, { fee: 1, n: 1 }));
    fresh = await startUpstream((_, outgoing) => sendJson(outgoing, 200, { fee: 2, n: '1.0' }));
  });
  after(async () => {
    await legacy.close();
    await fresh.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    const route = routeOn('/*', { initialStage: 'shadow', compare: { critical: ['$.fee'] } });
    gateway = await startTestGateway({ legacy: legacy.url, new: fresh.url, routes: [route] });
    await (await fetch(`${gateway.url}/x`)).text();
    await eventually(async () => {
      const { body } = await gateway.api('GET', '/api/routes/test.route/comparisons');
      return body.outcomes.mismatch === 1;
    }, 'the mismatch');
  });
  afterEach(() => gateway.close());

  /** Runs a command; a person at the terminal gives `answer` when there is one. */
  async function banyan(args: readonly string[], answer?: boolean, meanwhile = async () => {}) {
    const out: string[] = [];
    const err: string[] = [];
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      await meanwhile();
      return answer === true;
    };
    const code = await runCli(['--url', gateway.operatorUrl, '--token-file', tokenFile, ...args], {
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      ...(answer === undefined ? {} : { ask }),
    });
    return { code, out: out.join('\n'), err: err.join('\n'), asked };
  }
  const addFee = ['rules', 'add', 'test.route', 'ignore', '$.fee', ...REVIEWED];

  it('add shows what a rule hides and asks; it is made by yes only', async () => {
    const refused = await banyan(addFee, false);
    assert.equal(refused.code, 1);
    assert.equal(
      refused.err,
      'ignore $.fee hides 1 of 2 differences\nPATH   KIND     COUNT\n$.fee  changed  1      critical\n' +
        'warning: hides critical differences: $.fee (changed) in 1 requests\nerror: the rule was not made',
    );
    assert.deepEqual(refused.asked, ['Make this rule for test.route?']);
    assert.equal((await banyan(['rules'])).out, 'no rules');
    const made = await banyan(addFee, true);
    assert.equal(made.code, 0);
    assert.match(made.out, /^[0-9a-f]{10}: in force for test\.route from now on$/);
    assert.equal((await banyan(addFee, true)).code, 5, 'the same rule again');
  });

  it('add makes nothing when somebody else has changed the rules since they were shown', async () => {
    const other = { route: 'test.route', kind: 'ignore', path: '$.x', reason: 'x', owner: 'y', permanent: 'z' };
    const late = await banyan(addFee, true, async () => {
      await gateway.api('POST', '/api/rules', other, { 'if-match': '*' });
    });
    assert.equal(late.code, 5);
    assert.match(late.err, /the list of rules has changed since you looked/);
  });

  it('add without a terminal needs --yes, and a dry run makes nothing', async () => {
    const unasked = await banyan(addFee);
    assert.equal(unasked.code, 2);
    assert.match(unasked.err, /hides 1 of 2 differences[\s\S]*add --yes/);
    const dry = await banyan([...addFee, '--dry-run', '--json']);
    assert.deepEqual([dry.code, JSON.parse(dry.out).preview.hidden, JSON.parse(dry.out).rule], [0, 1, null]);
    assert.equal((await banyan(['rules'])).out, 'no rules');
    const made = await banyan([...addFee, '--yes', '--json']);
    assert.equal(JSON.parse(made.out).rule.rule.path, '$.fee');
  });

  it('add reads the fields of a kind, lists them, and removes the rule again', async () => {
    const number = ['rules', 'add', 'test.route', 'normalise', '$.n', 'as=number', 'status=2xx', ...REVIEWED];
    const made = await banyan([...number, '--yes']);
    assert.match(
      made.err,
      /normalise \$\.n: of 1 samples that could be judged again, 0 would match; it hides 1 of their 2/,
    );
    const listed = await banyan(['rules', '--route', 'test.route']);
    assert.match(listed.out, /^ID +ROUTE +KIND +RULE +STATE +EXPIRES +OWNER +FROM +COVERS +REASON$/m);
    assert.match(
      listed.out,
      /test\.route +normalise +\$\.n as=number status=2xx +active +2099-01-31 +trading +operator +- +rounded elsewhere$/m,
    );
    const id = made.out.slice(0, 10);
    const removed = await banyan(['rules', 'remove', id, '--reason', 'the new side spells it so now']);
    assert.deepEqual([removed.code, removed.out], [0, `${id}: removed; what it covered on test.route counts again`]);
    assert.equal((await banyan(['rules', 'remove', id, '--reason', 'x'])).code, 2);
    assert.equal(JSON.parse((await banyan(['rules', '--json'])).out).revision, 2);
    assert.match((await banyan(['status'])).out, /^rules +none$/m);
  });

  it('export prints what the configuration would have, which compares alike', async () => {
    assert.equal((await banyan(['rules', 'export'])).out, '# No operator has made a rule.');
    await banyan([...addFee, '--yes']);
    const { code, out } = await banyan(['rules', 'export', '--route', 'test.route']);
    assert.equal(code, 0);
    assert.match(out, /# made by ops on /);
    const { routes } = parse(out);
    const { settings } = (await gateway.api('GET', '/api/routes/test.route')).body;
    const asJson = JSON.parse((await banyan(['rules', 'export', '--json'])).out);
    assert.deepEqual(asJson.routes, [{ id: 'test.route', compare: settings.compare }]);
    const again = await startTestGateway({
      ...{ legacy: legacy.url, new: fresh.url },
      routes: [routeOn('/*', { compare: routes[0].compare })],
    });
    assert.deepEqual((await again.api('GET', '/api/routes/test.route')).body.settings.compare, settings.compare);
    await again.close();
  });

  it('exits 2 on what is no rule, and says why', async () => {
    const wrong: [string[], RegExp][] = [
      [
        ['rules', 'add', 'test.route', 'guess', '$.x', ...REVIEWED],
        /there is no kind guess; it is one of ignore, normalise/,
      ],
      [['rules', 'add', 'test.route', 'ignore', '$.x', 'loud', ...REVIEWED], /expected NAME=VALUE/],
      [['rules', 'add', 'test.route', 'ignore', 'x', ...REVIEWED], /path: expected "status"/],
      [['rules', 'add', 'nope', 'ignore', '$.x', ...REVIEWED], /no route is called nope/],
      [['rules', 'add', 'test.route', 'ignore', '$.x', '--reason', 'x', '--owner', 'y'], /expires: give its last day/],
      [['rules', 'add', 'test.route', 'ignore', '$.x'], /required option '--reason/],
      [['rules', 'remove', 'x'], /--reason/],
      [['rules', 'nonsense'], /too many arguments|unknown command/],
    ];
    for (const [args, message] of wrong) {
      const { code, err, out } = await banyan(args);
      assert.equal(code, 2, args.join(' '));
      assert.match(err, message);
      assert.equal(out, '');
    }
  });
});
