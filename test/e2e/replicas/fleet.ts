// Gateways as processes of their own that share flags and a ledger, and what is asked of them.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Side } from '../../../gateway/routing/side.ts';
import { assertDescribed } from '../../helpers/openapi.ts';
import { type SpawnedServer, spawnServer } from '../../helpers/process.ts';
import { sendJson, startUpstream } from '../../helpers/upstream.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const TOKEN = 'token-for-this-test';
/** Workers take seconds to start where others keep the machine busy. */
const READY_MS = 30_000;
export const ROUTE = 'a.route';

const routeSchema = z.object({
  stage: z.string(),
  percent: z.number(),
  plan: z.object({ status: z.string() }),
});
const auditSchema = z.object({
  entries: z.array(
    z.object({ action: z.string(), source: z.string(), actor: z.string(), reason: z.string(), after: z.unknown() }),
  ),
});

export interface Member {
  readonly server: SpawnedServer;
  /** Stage, per cent and the plan's status. */
  at(): Promise<string>;
  plan(action: string): Promise<void>;
  call(method: string, path: string, body?: object): Promise<Response>;
}

export interface Fleet {
  readonly folder: string;
  /** Starts a gateway; `fault` as faulty-main.ts has it, `ledger` where it is not the fleet's, `name` to begin again as another. */
  start(fault?: string, ledger?: string, name?: string): Promise<Member>;
  close(): Promise<void>;
}

export interface FleetOptions {
  /** Of the folder; the URL of the ledger that all share. */
  readonly ledger: (folder: string) => string;
  /** The steps of the route's plan, in YAML. */
  readonly steps: readonly string[];
  readonly extra?: string;
  /** Of the plan, in YAML. */
  readonly gates?: string;
  /** What a side answers; {} by default. */
  readonly answer?: (side: Side, outgoing: ServerResponse) => void | Promise<void>;
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { ledger, steps, extra = '', gates = '{}', answer = (_, outgoing) => sendJson(outgoing, 200, {}) } = options;
  const folder = mkdtempSync(join(tmpdir(), 'banyan-fleet-'));
  const legacy = await startUpstream((_, outgoing) => void answer('legacy', outgoing));
  const fresh = await startUpstream((_, outgoing) => void answer('new', outgoing));
  const members: Member[] = [];
  const configFor = (where: string, name: string) => {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(
      file,
      `version: 1
listen: 127.0.0.1:0
operator: { listen: "127.0.0.1:0", tokens: [{ name: ops, role: admin, tokenEnv: TEST_TOKEN }] }
upstreams: { legacy: { url: "${legacy.url}" }, new: { url: "${fresh.url}" } }
flags: { provider: file, file: ${join(folder, 'flags.json')} }
ledger: ${where}
ledgerJournal: ${join(folder, `${name}.journal`)}
shutdown: { delayMs: 0 }
${extra}
plans:
  steps:
    gates: ${gates}
    steps:
${steps.map((step) => `      - ${step}\n`).join('')}
routes:
  - { id: ${ROUTE}, match: { methods: [GET], path: /a }, plan: steps }
`,
    );
    return file;
  };

  return {
    folder,
    async start(fault = '', where = ledger(folder), name = String(members.length)) {
      const args = ['test/e2e/replicas/faulty-main.ts', configFor(where, name), fault];
      const server = await spawnServer({ args, cwd: ROOT, env: { TEST_TOKEN: TOKEN }, readyMs: READY_MS });
      const call: Member['call'] = async (method, path, body) => {
        const response = await fetch(`http://${server.listening.operator}${path}`, {
          method,
          headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'if-match': '*' },
          body: body ? JSON.stringify(body) : null,
        });
        const { status, headers } = response;
        const text = await response.clone().text();
        const isJson = /json/.test(headers.get('content-type') ?? '');
        assertDescribed({ method, path, status, headers, body: isJson ? JSON.parse(text) : text });
        return response;
      };
      const member: Member = {
        ...{ server, call },
        async at() {
          const { stage, percent, plan } = routeSchema.parse(await (await call('GET', `/api/routes/${ROUTE}`)).json());
          return `${stage} ${percent} ${plan.status}`;
        },
        async plan(action) {
          const response = await call('POST', `/api/routes/${ROUTE}/plan`, { action, reason: 'test' });
          assert.equal(response.status, 200, await response.text());
        },
      };
      members.push(member);
      return member;
    },
    async close() {
      for (const { server } of members) {
        server.kill('SIGKILL');
        await server.exited;
      }
      await legacy.close();
      await fresh.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The moves that the audit log has, the first one first: who, and to what. */
export async function movesOf(member: Member): Promise<string[]> {
  const { entries } = auditSchema.parse(await (await member.call('GET', '/api/audit?limit=500')).json());
  const moves = entries.filter(({ action }) => action === 'stage').reverse();
  return moves.map(({ source, after }) => {
    const { percent, mirrorPercent } = z.object({ percent: z.number(), mirrorPercent: z.number() }).parse(after);
    return `${source} ${percent}/${mirrorPercent}`;
  });
}
