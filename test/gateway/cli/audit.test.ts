// Exporting and verifying the audit log, by the API and the command line, against a real gateway and its file.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { runCli } from '../../../gateway/cli/program.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../../helpers/upstream.ts';

/** More than a page of an export. */
const CHANGES = 230;

describe('banyan audit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-audit-'));
  const tokenFile = join(folder, 'token');
  let upstream: TestServer;
  let gateway: TestGateway;
  before(async () => {
    writeFileSync(tokenFile, OPERATOR_TOKEN);
    upstream = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
    gateway = await startTestGateway({ legacy: upstream.url, new: upstream.url, routes: [routeOn('/api/*')] });
    for (let i = 0; i < CHANGES; i += 2) {
      await gateway.api('POST', '/api/routes/test.route/rollback', { reason: `=cmd ${i}, "é"\n` });
      const lifted = { 'if-match': '*', 'x-banyan-client': 'cli' };
      await gateway.api('DELETE', '/api/routes/test.route/rollback', { reason: 'back' }, lifted);
    }
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function banyan(...args: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const all = ['--url', gateway.operatorUrl, '--token-file', tokenFile, 'audit', ...args];
    const code = await runCli(all, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
    return { code, out: `${out.join('\n')}\n`, err: err.join('\n') };
  }
  const exported = async () => {
    const { code, out, err } = await banyan('--export', 'json');
    assert.equal(code, 0, err);
    const head = /the head is ([0-9a-f]{64}) \(entry (\d+)\)/.exec(err) ?? assert.fail(err);
    return { out, head: head[1] ?? '', entries: Number(head[2]) };
  };
  const saved = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  it('exports every entry, the oldest first, and says the head', async () => {
    const { out, head, entries } = await exported();
    const lines = out.trimEnd().split('\n');
    assert.deepEqual([lines.length, entries], [CHANGES, CHANGES]);
    const [first, second] = lines.map((line) => JSON.parse(line));
    assert.deepEqual([first.id, first.action, first.source, second.source], [1, 'rollback', 'api', 'cli']);
    assert.match(first.instance, new RegExp(`^.+:${process.pid}$`));
    assert.match(first.requestId, /^[0-9a-f-]{36}$/);
    assert.equal(JSON.parse(lines.at(-1) ?? '').hash, head);
    const { body } = await gateway.api('GET', '/api/audit?limit=1');
    assert.deepEqual(body.head, { id: CHANGES, hash: head });
  });

  it('exports CSV byte for byte as the API sends it', async () => {
    const response = await fetch(`${gateway.operatorUrl}/api/audit?format=csv`, {
      headers: { authorization: `Bearer ${OPERATOR_TOKEN}` },
    });
    assert.match(response.headers.get('content-type') ?? '', /^text\/csv/);
    assert.match(response.headers.get('content-disposition') ?? '', /filename="audit\.csv"/);
    const { out } = await banyan('--export', 'csv');
    assert.equal(out, await response.text());
    assert.match(out, /,"'=cmd 0, ""é""",/);
    assert.equal(out.split('\r\n').length, CHANGES + 2);
  });

  it('verifies a live log and an export, alone and by a hash that was kept', async () => {
    const { out, head } = await exported();
    const live = await banyan('verify', '--head', head);
    assert.deepEqual([live.code, live.err], [0, '']);
    assert.match(live.out, new RegExp(`^the chain holds: ${CHANGES} entries; the head is ${head} `));
    const file = saved('whole.ndjson', out);
    const offline = await runCliOffline('audit', 'verify', file, '--head', head);
    assert.equal(offline.code, 0, offline.err);
    const cut = saved('cut.ndjson', `${out.trimEnd().split('\n').slice(0, -1).join('\n')}\n`);
    assert.equal((await runCliOffline('audit', 'verify', cut)).code, 0, 'nobody can tell');
    const seen = await runCliOffline('audit', 'verify', cut, '--head', head);
    assert.equal(seen.code, 6);
    assert.match(
      seen.out,
      new RegExp(
        `BROKEN at the end, after entry ${CHANGES - 1}: no entry has the hash ${head}, and it ends with entry ${CHANGES - 1}`,
      ),
    );
  });

  it('names the first entry of an export that was changed, and exits 6', async () => {
    const { out } = await exported();
    const lines = out.trimEnd().split('\n');
    lines[4] = (lines[4] ?? '').replace('=cmd 4', '=cmd 5');
    const { code, out: said } = await runCliOffline('audit', 'verify', saved('forged.ndjson', lines.join('\n')));
    assert.equal(code, 6);
    assert.match(
      said,
      /^BROKEN at entry 5: its hash is [0-9a-f]{64}, and its content has [0-9a-f]{64}: it was changed; all up to entry 4 holds/,
    );
    const asJson = await runCliOffline(
      '--json',
      'audit',
      'verify',
      saved('gone.ndjson', lines.toSpliced(2, 1).join('\n')),
    );
    const { ok, broken, head } = JSON.parse(asJson.out);
    assert.deepEqual([ok, broken.id, head.id], [false, 4, 2]);
  });

  it('says after which entry an export was cut in the middle of a line', async () => {
    const { out } = await exported();
    const file = saved('torn.ndjson', out.slice(0, out.length / 2));
    const { code, out: said } = await runCliOffline('audit', 'verify', file);
    assert.equal(code, 6);
    const after = /^BROKEN at the end, after entry (\d+): it is no entry of a chained log/.exec(said)?.[1];
    assert.ok(Number(after) > 0, said);
  });

  it("finds what was changed in the ledger's own file", async () => {
    const db = new DatabaseSync(join(gateway.folder, 'gateway.db'));
    db.exec("UPDATE audit SET actor = 'nobody' WHERE id = 201");
    try {
      const { code, out } = await banyan('verify');
      assert.equal(code, 6);
      assert.match(out, /^BROKEN at entry 201: /);
    } finally {
      db.exec("UPDATE audit SET actor = 'ops' WHERE id = 201");
      db.close();
    }
    assert.equal((await banyan('verify')).code, 0);
  });

  it('says what is wrong with a call, and with a file that is no export', async () => {
    assert.equal((await gateway.api('GET', '/api/audit?format=xml')).body.detail, 'format: expected json or csv');
    assert.equal((await gateway.api('GET', '/api/audit?format=csv&limit=3')).status, 400);
    assert.equal((await banyan('--export', 'csv', '--limit', '3')).code, 2);
    assert.equal((await banyan('--export', 'xml')).code, 2);
    assert.equal((await banyan('verify', '--head', 'abc')).code, 2);
    const none = await runCliOffline('audit', 'verify', join(folder, 'none'));
    assert.deepEqual([none.code, /cannot be read/.test(none.err)], [2, true]);
    const csv = await runCliOffline('audit', 'verify', saved('a.csv', 'id,at\r\n1,x\r\n'));
    assert.deepEqual([csv.code, /verify takes what banyan audit --export json wrote/.test(csv.err)], [2, true]);
  });
});

async function runCliOffline(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const output = { out: (text: string) => void out.push(text), err: (text: string) => void err.push(text) };
  const code = await runCli(['--url', 'http://127.0.0.1:1', '--token-file', '/nonexistent', ...args], output);
  return { code, out: out.join('\n'), err: err.join('\n') };
}
