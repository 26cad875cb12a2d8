// A gateway that is killed in each step of a plan goes on from there.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { within } from '../helpers/deadline.ts';
import { spawnServer } from '../helpers/process.ts';
import { sendJson, startUpstream } from '../helpers/upstream.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const TOKEN = 'token-for-this-test';
const PLACES = ['shadow 0', 'canary 10', 'canary 50', 'live 100', 'complete 100'];

const answerSchema = z.object({
  stage: z.string(),
  percent: z.number(),
  plan: z.object({ step: z.number(), settled: z.boolean(), status: z.string() }),
});

describe('a gateway with a plan under way', () => {
  it('killed with -9 at every step has its flags, step and plan when it is back, and can go on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-plan-kill-'));
    const upstream = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
    const config = join(folder, 'banyan.yaml');
    writeFileSync(
      config,
      `version: 1
listen: 127.0.0.1:0
operator: { listen: "127.0.0.1:0", tokens: [{ name: ops, role: admin, tokenEnv: TEST_TOKEN }] }
upstreams: { legacy: { url: "${upstream.url}" }, new: { url: "${upstream.url}" } }
flags: { provider: file, file: ${join(folder, 'flags.json')} }
ledger: sqlite:${join(folder, 'gateway.db')}
plans:
  by-hand:
    steps:
      - { stage: shadow, leastMs: 0, gates: [manual] }
      - { stage: canary, percent: 10, leastMs: 0, gates: [manual] }
      - { stage: canary, percent: 50, leastMs: 0, gates: [manual] }
      - { stage: live, leastMs: 0, gates: [manual] }
      - { stage: complete }
routes:
  - { id: a.route, match: { methods: [GET], path: /a }, plan: by-hand }
`,
    );
    const start = () =>
      spawnServer({ args: ['gateway/main.ts', '--config', config], cwd: ROOT, env: { TEST_TOKEN: TOKEN } });
    let server = await start();
    const call = async (method: string, path: string, body?: object) => {
      const response = await fetch(`http://${server.listening.operator}/api/routes/a.route${path}`, {
        method,
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'if-match': '*' },
        body: body ? JSON.stringify(body) : null,
      });
      assert.equal(response.status, 200, `${method} ${path}: ${await response.clone().text()}`);
      return answerSchema.parse(await response.json());
    };
    try {
      for (const [index, place] of PLACES.entries()) {
        const action = index === 0 ? 'start' : 'promote';
        await call('POST', '/plan', { action, reason: `to ${place}` });
        server.kill('SIGKILL');
        await within(server.exited, 'the end of the process');
        server = await start();
        const { stage, percent, plan } = await call('GET', '');
        assert.equal(`${stage} ${percent}`, place);
        assert.deepEqual([plan.step, plan.settled], [index + 1, true]);
        assert.equal(plan.status, index === PLACES.length - 1 ? 'completed' : 'running');
      }
    } finally {
      await server.stop();
      await upstream.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
