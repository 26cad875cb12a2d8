import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { checkSize } from '../../../gateway/console/build.ts';
import { consolePages, loadConsole } from '../../../gateway/operator/console.ts';

describe('the files of the console', () => {
  let dir: string;
  let app: ReturnType<typeof consolePages>;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'banyan-console-'));
    await mkdir(join(dir, 'assets'));
    await writeFile(join(dir, 'index.html'), '<!doctype html><title>Banyan</title>');
    await writeFile(join(dir, 'assets', 'index-1.js'), 'void 0;');
    await writeFile(join(dir, 'secret.txt'), 'no type that a console consists of');
    app = consolePages(await loadConsole(dir));
  });
  after(() => rm(dir, { recursive: true }));

  for (const path of ['/', '/routes/trade.order.get', '/routes/a/differences?path=x', '/audit']) {
    it(`${path} is the one document`, async () => {
      const answer = await app.request(path);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
      assert.equal(answer.headers.get('cache-control'), 'no-cache');
      assert.match(await answer.text(), /Banyan/);
    });
  }

  it('a file whose name has a digest is kept for ever, and compressed for those who take it', async () => {
    const answer = await app.request('/assets/index-1.js', { headers: { 'accept-encoding': 'gzip, br' } });
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(answer.headers.get('content-encoding'), 'gzip');
    assert.equal(gunzipSync(Buffer.from(await answer.arrayBuffer())).toString(), 'void 0;');
  });

  it('a page that the browser has is not sent again', async () => {
    const etag = (await app.request('/')).headers.get('etag') ?? '';
    const answer = await app.request('/', { headers: { 'if-none-match': etag } });
    assert.equal(answer.status, 304);
    assert.equal(await answer.text(), '');
  });

  for (const path of ['/assets/none.js', '/assets/../secret.txt', '/assets/%2e%2e/secret.txt', '/secret.txt']) {
    it(`${path} is not there`, async () => assert.equal((await app.request(path)).status, 404));
  }

  it('that are more than 120 KiB compressed are not built', async () => {
    await checkSize(dir);
    const large = await mkdtemp(join(tmpdir(), 'banyan-console-'));
    await writeFile(join(large, 'index.js'), randomBytes(122_880)); // Nothing makes that smaller.
    await assert.rejects(checkSize(large), /the console has \d+ bytes compressed, and may have 122880/);
    await rm(large, { recursive: true });
  });

  it('a console that was not built says what to do', async () => {
    const unbuilt = consolePages(await loadConsole(join(dir, 'nowhere')));
    const answer = await unbuilt.request('/');
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /npm run prepare/);
  });
});
