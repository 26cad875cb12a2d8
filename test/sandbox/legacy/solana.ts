// The legacy side's answers about Solana: one RPC endpoint, floats, snake_case results, and its own idea of safety.
import { Pool } from 'undici';
import type { LegacyAnswer } from '../planted.ts';
import { Problem } from './problem.ts';
import { PyFloat } from './python.ts';

const TOKEN_PROGRAMS = ['TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA', 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb'];
const LAMPORTS_PER_SOL = 1e9;
const ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;
const INVALID_PARAMS = -32602;
/** Of a mint account: where the option of its freeze authority begins. */
const FREEZE_TAG_AT = 46;
const COMPUTE_UNITS_USUAL = 200_000;

const LEVELS: Readonly<Record<string, { share: number; min: number; max: number; ms: number }>> = {
  low: { share: 0.25, min: 10_000, max: 50_000, ms: 2000 },
  medium: { share: 0.5, min: 50_000, max: 100_000, ms: 1000 },
  high: { share: 0.75, min: 100_000, max: 1_000_000, ms: 500 },
  very_high: { share: 0.95, min: 1_000_000, max: 10_000_000, ms: 200 },
};

export interface LegacySolana {
  balance(who: string): Promise<LegacyAnswer>;
  safety(mint: string): Promise<LegacyAnswer>;
  simulate(body: string): Promise<LegacyAnswer>;
  fees(body: string): Promise<LegacyAnswer>;
  close(): Promise<void>;
}

export function createLegacySolana(rpcUrl: string): LegacySolana {
  const url = new URL(rpcUrl);
  const pool = new Pool(url.origin, { connections: 16 });

  async function rpc<T>(method: string, ...params: unknown[]): Promise<T> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const headers = { 'content-type': 'application/json' };
    const answer = await pool.request({ method: 'POST', path: url.pathname, headers, body });
    const { result, error } = (await answer.body.json()) as { result: T; error?: { code: number; message: string } };
    if (error) throw new Problem(error.code === INVALID_PARAMS ? 400 : 500, error.message);
    return result; // As the sandbox's chain answers.
  }

  const checked = (address: string): string => {
    if (!ADDRESS.test(address)) throw new Problem(400, 'invalid address');
    return address;
  };

  return {
    async balance(who) {
      const { value } = await rpc<{ value: number }>('getBalance', checked(who), { commitment: 'confirmed' });
      const lists = await Promise.all(TOKEN_PROGRAMS.map((programId) => tokensOf(who, programId)));
      return { status: 200, body: { sol: new PyFloat(value / LAMPORTS_PER_SOL), tokens: lists.flat() } };
    },
    async safety(mint) {
      const options = { encoding: 'base64', commitment: 'confirmed' };
      const { value } = await rpc<{ value: { data: [string] } | null }>('getAccountInfo', checked(mint), options);
      if (!value) throw new Problem(400, `${mint} is not a mint`);
      const data = Buffer.from(value.data[0], 'base64');
      const canMint = data[0] === 1;
      const canFreeze = data[FREEZE_TAG_AT] === 1;
      const score = 1 - (canMint ? 0.3 : 0) - (canFreeze ? 0.4 : 0);
      const warnings = [...(canMint ? ['Mint authority not revoked'] : []), ...(canFreeze ? ['Freeze authority'] : [])];
      return {
        status: 200,
        body: {
          score: new PyFloat(Number(score.toFixed(1))),
          is_honeypot: canFreeze || (canMint && score < 0.5),
          can_freeze: canFreeze,
          can_mint: canMint,
          can_burn: false,
          has_liquidity: true, // It never looked.
          warnings,
        },
      };
    },
    async simulate(body) {
      const { transaction } = JSON.parse(body) as { transaction?: string };
      if (!transaction) throw new Problem(400, 'transaction is required');
      const options = { encoding: 'base64', sigVerify: false, replaceRecentBlockhash: true };
      const { value } = await rpc<{ value: { err: unknown; logs: string[] | null; unitsConsumed: number } }>(
        'simulateTransaction',
        transaction,
        options,
      );
      const works = value.err === null;
      return {
        status: 200,
        body: {
          result: works ? 'success' : 'failure',
          error: works ? null : JSON.stringify(value.err),
          estimated_compute_units: value.unitsConsumed,
          estimated_fee_lamports: 5000 + Math.floor(value.unitsConsumed / 1000) * 1000,
          logs: value.logs ?? [],
          will_succeed: works,
        },
      };
    },
    async fees(body) {
      const { priorityLevel = 'medium', computeUnits = COMPUTE_UNITS_USUAL } = JSON.parse(body) as {
        priorityLevel?: string;
        computeUnits?: number;
      };
      const level = LEVELS[priorityLevel];
      if (!level) throw new Problem(400, 'invalid priorityLevel');
      const recent = await rpc<{ prioritizationFee: number }[]>('getRecentPrioritizationFees', []);
      const sorted = recent.map((each) => each.prioritizationFee).sort((a, b) => a - b);
      const price = sorted[Math.max(0, Math.ceil(level.share * sorted.length) - 1)] ?? 0;
      const priority = Math.min(level.max, Math.max(level.min, Math.ceil((price * computeUnits) / 1e6)));
      return {
        status: 200,
        body: {
          priority_fee_lamports: priority,
          compute_units: computeUnits,
          total_fee_lamports: 5000 + priority,
          total_fee_sol: new PyFloat((5000 + priority) / LAMPORTS_PER_SOL),
          level: priorityLevel,
          estimated_confirmation_time_ms: level.ms,
        },
      };
    },
    close: () => pool.close(),
  };

  async function tokensOf(owner: string, programId: string): Promise<object[]> {
    interface Listed {
      account: { data: { parsed: { info: { mint: string; tokenAmount: { amount: string; decimals: number } } } } };
    }
    const options = { encoding: 'jsonParsed', commitment: 'confirmed' };
    const { value } = await rpc<{ value: Listed[] }>('getTokenAccountsByOwner', owner, { programId }, options);
    return value.map(({ account }) => {
      const { mint, tokenAmount } = account.data.parsed.info;
      return { mint, amount: Number(tokenAmount.amount), decimals: tokenAmount.decimals };
    });
  }
}
