// `banyan checklist` against a real gateway.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCli } from '../../../gateway/cli/program.ts';
import { eventually } from '../../helpers/deadline.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../../helpers/upstream.ts';

const folder = mkdtempSync(join(tmpdir(), 'banyan-checklist-'));
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

async function banyan(...args: string[]) {
  const out: string[] = [];
  const all = ['--url', gateway.operatorUrl, '--token-file', tokenFile, ...args];
  const code = await runCli(all, { out: (text) => void out.push(text), err() {} });
  return { code, lines: out.join('\n').split('\n') };
}

describe('banyan checklist', () => {
  it('says of a route that was never compared what is open, and ends with 6', async () => {
    const { code, lines } = await banyan('checklist');
    assert.equal(code, 6);
    assert.deepEqual(lines, [
      '### test.route (legacy)',
      '',
      '- [ ] parity is at least 99.90 %: -, at least - with 95 % confidence',
      '- [ ] coverage is at least 90.0 %: -',
      '- [x] nothing needs attention',
      '- [x] no override',
      '- [x] legacy lacks 0 writes: what going back would lose',
      '- [ ] new serves everybody and nothing is copied to legacy',
    ]);
  });

  it('goes by what was compared', async () => {
    await banyan('stage', 'test.route', 'shadow', '--reason', 'a test', '--force');
    for (let i = 0; i < 20; i++) await (await fetch(`${gateway.url}/api/x`)).text();
    await eventually(
      async () =>
        (await banyan('checklist', '--parity', '0.8')).lines[2]?.startsWith('- [x] parity is at least 80.00 %'),
      'twenty comparisons',
    );
  });

  it('has nothing open once every route is complete, and ends with 0', async () => {
    await banyan('stage', 'test.route', 'complete', '--reason', 'a test', '--force');
    const { code, lines } = await banyan('checklist');
    assert.deepEqual([code, lines.filter((line) => line.startsWith('- [ ]'))], [0, []]);
  });

  it('takes no share above 1', async () => {
    assert.equal((await banyan('checklist', '--coverage', '90')).code, 2);
  });
});
