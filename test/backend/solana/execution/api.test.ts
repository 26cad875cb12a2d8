import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { address } from '@solana/kit';
import { SHADOW_KEYS, signed } from '../../../helpers/shadow.ts';
import { solanaBackend } from '../../../helpers/solana.ts';
import { newAddress, RENT_LAMPORTS, transferOf } from '../../../helpers/transfers.ts';
import { createRelaysSimulator, type RelaysSimulator } from '../../../sandbox/relays/server.ts';
import { createSolanaSimulator, type SolanaSimulator } from '../../../sandbox/solana/server.ts';

const PATH = '/api/transaction/submit';
let chain: SolanaSimulator;
let relays: RelaysSimulator;
const backends: ReturnType<typeof solanaBackend>[] = [];
before(async () => {
  chain = await createSolanaSimulator();
  relays = await createRelaysSimulator({ rpcUrl: `${chain.url}/rpc/relays`, limits: { jito: 1000 } });
});
after(async () => {
  await Promise.all(backends.map(({ solana }) => solana.close()));
  await relays.close();
  await chain.close();
});

function backendOf(given: Parameters<typeof solanaBackend>[3] = {}) {
  const limit = { count: 1000, periodMs: 1000 };
  const relay = (name: string) => ({ url: `${relays.url}/${name}`, token: undefined, limit });
  const settings = { relays: { jito: relay('jito'), bloxroute: relay('bloxroute'), nextblock: relay('nextblock') } };
  const backend = solanaBackend(chain, settings, ['a', 'b'], given);
  backends.push(backend);
  return backend;
}

async function aTransfer(id: string, user = 'user-0001') {
  const to = await newAddress();
  const { transaction, signature } = await transferOf(chain.chain, to, RENT_LAMPORTS);
  const balance = () => chain.chain.svm.getBalance(address(to)) ?? 0n;
  return { body: { user_id: user, submission_id: id, transaction }, signature, balance };
}

describe('POST /api/transaction/submit', () => {
  it('is taken with 202, and its status can be read until it is landed', async () => {
    const { call, backend, clock } = backendOf();
    const { body, signature, balance } = await aTransfer('one');
    const { status, json } = await call('POST', PATH, body);
    assert.deepEqual([status, json.status, json.signature, json.transaction], [202, 'sent', signature, undefined]);
    const path = '/api/transaction/submission/user-0001/one';
    assert.equal((await call('GET', path)).json.status, 'sent');
    const isDecided = async () => {
      clock.nowMs += 500;
      await backend.execute();
      return (await call('GET', path)).json.status === 'landed';
    };
    const deadline = AbortSignal.timeout(10_000);
    while (!(await isDecided())) deadline.throwIfAborted(); // The chain's slots are those of the real clock.
    assert.equal(balance(), RENT_LAMPORTS);
  });

  it('twice, then the second says that it is a replay; with another transaction it is refused', async () => {
    const { call } = backendOf();
    const { body } = await aTransfer('two');
    await call('POST', PATH, body);
    const again = await call('POST', PATH, body);
    assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [202, 'true']);
    const { transaction } = (await aTransfer('other')).body;
    const other = await call('POST', PATH, { ...body, transaction });
    assert.deepEqual([other.status, other.json.code], [422, 'idempotency_conflict']);
  });

  it('of another user, then it is forbidden to send and to read', async () => {
    const tokens = [{ name: 'bob', token: 'token-of-user-0002', role: 'trader' as const, user: 'user-0002' }];
    const { call } = backendOf({ auth: { jwt: undefined, tokens } });
    const { body, balance } = await aTransfer('three');
    const headers = { authorization: 'Bearer token-of-user-0002' };
    assert.equal((await call('POST', PATH, body, headers)).status, 403);
    assert.equal((await call('GET', '/api/transaction/submission/user-0001/one', undefined, headers)).status, 403);
    assert.equal(balance(), 0n);
  });

  it('while trading is halted or reducing, then it is denied and nothing is sent', async () => {
    const { call } = backendOf();
    const { body, balance } = await aTransfer('four');
    for (const [state, reason] of [
      ['HALTED', 'TRADING_HALTED'],
      ['REDUCING', 'TRADING_STATE_REDUCING'],
    ]) {
      await call('PUT', '/api/risk/state', { state, reason: 'drill' });
      const { status, json } = await call('POST', PATH, body);
      assert.deepEqual([status, json.code, json.reason], [422, 'risk_denied', reason]);
    }
    assert.equal(balance(), 0n);
  });

  it('as a dry run, then it is answered as sent, and nothing is stored or lands', async () => {
    const { call, clock, store } = backendOf({ shadowKeys: SHADOW_KEYS });
    const { body, balance } = await aTransfer('five');
    const text = JSON.stringify(body);
    const headers = signed({ method: 'POST', target: PATH, body: text }, { nowMs: clock.nowMs });
    const { status, json } = await call('POST', PATH, text, headers);
    assert.deepEqual([status, json.status], [202, 'sent']);
    assert.deepEqual([await store.getSubmission('user-0001', 'five'), balance()], [undefined, 0n]);
  });

  it('what is no transaction or no id is refused, and what nobody submitted is not found', async () => {
    const { call } = backendOf();
    const { body } = await aTransfer('six');
    for (const changes of [{ transaction: 'AAAA' }, { submission_id: 'a b' }, { allow_direct: 1 }, { user_id: '' }]) {
      assert.equal((await call('POST', PATH, { ...body, ...changes })).status, 400);
    }
    assert.equal((await call('GET', '/api/transaction/submission/user-0001/nobody')).json.code, 'submission_not_found');
  });
});

describe('a backend without relays', () => {
  it('submits nothing', async () => {
    const backend = solanaBackend(chain);
    backends.push(backend);
    assert.equal((await backend.call('POST', PATH, {})).status, 404);
  });
});
