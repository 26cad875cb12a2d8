// What is known of a token, judged. Pure. What is not known earns nothing and is called unknown: never safe.
import { feeIn, type Mint } from '../accounts/mint.ts';
import type { SimulationResult } from '../simulate/outcome.ts';

/** A trade that was simulated and what came of it, or why there was none. */
export type Trial =
  | { readonly kind: 'simulated'; readonly result: SimulationResult; readonly error: string | null }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Shares of the supply that the largest holders have, pools left out, the largest first. */
export type Holders = readonly number[] | { readonly unknown: string };

/** About how much SOL the pools hold against the token; 0: nobody trades it. */
export type Liquidity = { readonly sol: number } | { readonly unknown: string };

/** The share of the liquidity that those who put it in can take out; what is burnt or was never theirs is not in it. */
export type Lock = { readonly free: number } | { readonly unknown: string };

export type TokenFacts = {
  readonly mint: Mint;
  readonly epoch: bigint;
  readonly holders: Holders;
  readonly liquidity: Liquidity;
  readonly lock: Lock;
  /** By somebody who has never had it. */
  readonly buy: Trial;
  /** By the largest holder. */
  readonly sell: Trial;
  /** By the same who has just bought it. */
  readonly resale: Trial;
};

export type PartStatus = 'ok' | 'warning' | 'danger' | 'honeypot' | 'unknown';
export type PartName =
  | 'mint_authority'
  | 'freeze_authority'
  | 'extensions'
  | 'holders'
  | 'liquidity'
  | 'lock'
  | 'buy'
  | 'sell'
  | 'resale';
type Finding = { readonly status: PartStatus; readonly detail: string };
export type Part = Finding & {
  readonly name: PartName;
  /** What it added to the score, of how much it could. */
  readonly points: number;
  readonly points_max: number;
  readonly source: 'mint account' | 'largest accounts' | 'quote' | 'pool accounts' | 'simulation';
};

/** Of a score of 1. */
const WEIGHTS: Readonly<Record<PartName, { readonly max: number; readonly source: Part['source'] }>> = {
  mint_authority: { max: 0.15, source: 'mint account' },
  freeze_authority: { max: 0.15, source: 'mint account' },
  extensions: { max: 0.2, source: 'mint account' },
  holders: { max: 0.1, source: 'largest accounts' },
  liquidity: { max: 0.1, source: 'quote' },
  lock: { max: 0.05, source: 'pool accounts' },
  buy: { max: 0.05, source: 'simulation' },
  sell: { max: 0.1, source: 'simulation' },
  resale: { max: 0.1, source: 'simulation' },
};
const SHARE: Readonly<Record<PartStatus, number>> = { ok: 1, warning: 0.5, danger: 0, honeypot: 0, unknown: 0 };

const FEE_HONEYPOT_BPS = 5000;
const FEE_DANGER_BPS = 1000;
const TOP1_DANGER = 0.5;
const TOP1_WARNING = 0.2;
const TOP5_DANGER = 0.8;
const TOP5_WARNING = 0.5;
const LIQUIDITY_DANGER_SOL = 1;
const LIQUIDITY_WARNING_SOL = 10;
/** Of the liquidity: less than this taken out is no worse than a large sale. */
const FREE_WARNING = 0.05;
const FREE_DANGER = 0.5;
/** The last type that token-2022 has had when this was written; what a later one does nobody here knows. */
const EXTENSION_TYPE_LAST = 28;

/** Those beside that can cheat a holder without a transfer. */
const CHEATING: ReadonlyMap<number, string> = new Map([
  [10, 'wallets show interest that nobody pays'],
  [24, 'tokens can be minted and burnt out of sight'],
  [25, 'wallets show amounts that somebody can scale'],
]);

const ok = (detail: string): Finding => ({ status: 'ok', detail });
const RANK: Readonly<Record<PartStatus, number>> = { ok: 0, warning: 1, unknown: 2, danger: 3, honeypot: 4 };
const worst = (findings: readonly Finding[]): PartStatus =>
  findings.reduce<PartStatus>((found, { status }) => (RANK[status] > RANK[found] ? status : found), 'ok');

function feeFindings(fee: NonNullable<Mint['extensions']['transferFee']>, epoch: bigint): Finding[] {
  const { currentBps, scheduledBps } = feeIn(fee, epoch);
  const bps = Math.max(currentBps, scheduledBps);
  const text = `transfers cost ${currentBps / 100} %${scheduledBps === currentBps ? '' : `, ${scheduledBps / 100} % is decided on`}`;
  const status = bps >= FEE_HONEYPOT_BPS ? 'honeypot' : bps >= FEE_DANGER_BPS ? 'danger' : 'warning';
  if (bps === 0 && fee.authority === undefined) return [];
  return [
    {
      status: bps === 0 ? 'warning' : status,
      detail: fee.authority === undefined ? text : `${text}, and somebody can change it`,
    },
  ];
}

function extensionFindings({ extensions }: Mint, epoch: bigint): Finding[] {
  const { transferFee, startsFrozen, isNonTransferable, permanentDelegate, transferHook, pausable, closeAuthority } =
    extensions;
  const found: Finding[] = [];
  if (startsFrozen) found.push({ status: 'honeypot', detail: 'accounts of buyers start frozen' });
  if (isNonTransferable) found.push({ status: 'honeypot', detail: 'it cannot be transferred' });
  if (permanentDelegate) found.push({ status: 'danger', detail: 'a delegate can move or burn what anybody holds' });
  if (transferHook?.program) found.push({ status: 'danger', detail: 'a program of its own decides on each transfer' });
  else if (transferHook?.authority)
    found.push({ status: 'warning', detail: 'somebody can put a program into transfers' });
  if (pausable?.isPaused) found.push({ status: 'honeypot', detail: 'transfers are paused' });
  else if (pausable?.authority) found.push({ status: 'danger', detail: 'somebody can pause all transfers' });
  if (closeAuthority) found.push({ status: 'warning', detail: 'somebody can close the mint' });
  if (transferFee) found.push(...feeFindings(transferFee, epoch));
  for (const type of extensions.others) {
    const detail = CHEATING.get(type);
    if (detail !== undefined) found.push({ status: 'warning', detail });
  }
  const strange = extensions.others.filter((type) => type > EXTENSION_TYPE_LAST);
  if (strange.length > 0)
    found.push({ status: 'unknown', detail: `it has extensions that are not known: ${strange.join(', ')}` });
  return found;
}

function judgeExtensions(mint: Mint, epoch: bigint): Finding {
  const findings = extensionFindings(mint, epoch);
  if (findings.length === 0) return ok('none that could hurt a holder');
  return { status: worst(findings), detail: findings.map(({ detail }) => detail).join('; ') };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function judgeHolders(holders: Holders): Finding {
  if ('unknown' in holders) return { status: 'unknown', detail: holders.unknown };
  const [top1 = 0] = holders;
  const top5 = holders.slice(0, 5).reduce((sum, share) => sum + share, 0);
  const detail = `the largest holder has ${percent(top1)}, the five largest ${percent(top5)}`;
  if (top1 > TOP1_DANGER || top5 > TOP5_DANGER) return { status: 'danger', detail };
  return { status: top1 > TOP1_WARNING || top5 > TOP5_WARNING ? 'warning' : 'ok', detail };
}

function judgeLiquidity(liquidity: Liquidity): Finding {
  if ('unknown' in liquidity) return { status: 'unknown', detail: liquidity.unknown };
  const { sol } = liquidity;
  if (sol === 0) return { status: 'danger', detail: 'nobody trades it' };
  const detail = `about ${sol.toPrecision(3)} SOL in pools`;
  return { status: sol < LIQUIDITY_DANGER_SOL ? 'danger' : sol < LIQUIDITY_WARNING_SOL ? 'warning' : 'ok', detail };
}

function judgeLock(lock: Lock): Finding {
  if ('unknown' in lock) return { status: 'unknown', detail: lock.unknown };
  const detail = `${percent(lock.free)} of the liquidity can be taken out by whoever put it in`;
  return { status: lock.free > FREE_DANGER ? 'danger' : lock.free > FREE_WARNING ? 'warning' : 'ok', detail };
}

/** Whose own purse or bad luck it was says nothing of the token. */
const NOT_THE_TOKEN: ReadonlySet<SimulationResult> = new Set(['InsufficientFunds', 'SlippageExceeded', 'UnknownError']);

function judgeTrial(what: 'buying' | 'selling' | 'selling what was just bought', trial: Trial): Finding {
  if (trial.kind === 'unknown') return { status: 'unknown', detail: trial.reason };
  if (trial.result === 'Success') return ok(`${what} works`);
  const detail = `${what} fails: ${trial.error ?? trial.result}`;
  if (NOT_THE_TOKEN.has(trial.result)) return { status: 'unknown', detail };
  return { status: what === 'buying' ? 'danger' : 'honeypot', detail };
}

export type Verdict = 'safe' | 'caution' | 'unknown' | 'danger' | 'honeypot';
const VERDICTS: Readonly<Record<PartStatus, Verdict>> = {
  ok: 'safe',
  warning: 'caution',
  unknown: 'unknown',
  danger: 'danger',
  honeypot: 'honeypot',
};

export type Judgement = {
  readonly score: number;
  readonly verdict: Verdict;
  /** Null: not known, since selling could not be tried by a holder and by a newcomer. */
  readonly is_honeypot: boolean | null;
  readonly can_freeze: boolean;
  readonly can_mint: boolean;
  readonly can_burn: boolean;
  /** Null: not known. */
  readonly has_liquidity: boolean | null;
  readonly warnings: readonly string[];
  readonly parts: readonly Part[];
};

export function judge(facts: TokenFacts): Judgement {
  const { mint, epoch, holders, liquidity, lock, buy, sell, resale } = facts;
  const findings: Readonly<Record<PartName, Finding>> = {
    mint_authority: mint.mintAuthority ? { status: 'warning', detail: 'more can be minted' } : ok('none'),
    freeze_authority: mint.freezeAuthority ? { status: 'warning', detail: 'accounts can be frozen' } : ok('none'),
    extensions: judgeExtensions(mint, epoch),
    holders: judgeHolders(holders),
    liquidity: judgeLiquidity(liquidity),
    lock: judgeLock(lock),
    buy: judgeTrial('buying', buy),
    sell: judgeTrial('selling', sell),
    resale: judgeTrial('selling what was just bought', resale),
  };
  const names = Object.keys(WEIGHTS) as PartName[]; // Its keys are those.
  const parts = names.map((name): Part => {
    const { max, source } = WEIGHTS[name];
    const { status, detail } = findings[name];
    return { name, status, detail, points: Number((max * SHARE[status]).toFixed(3)), points_max: max, source };
  });
  const status = worst(parts);
  const isTried = findings.sell.status !== 'unknown' && findings.resale.status !== 'unknown';
  return {
    score: Number(parts.reduce((sum, { points }) => sum + points, 0).toFixed(3)),
    verdict: VERDICTS[status],
    is_honeypot: status === 'honeypot' ? true : isTried ? false : null,
    can_freeze: mint.freezeAuthority !== undefined,
    can_mint: mint.mintAuthority !== undefined,
    can_burn: mint.extensions.permanentDelegate !== undefined,
    has_liquidity: 'unknown' in liquidity ? null : liquidity.sol >= LIQUIDITY_DANGER_SOL,
    warnings: parts.filter((part) => part.status !== 'ok').map(({ name, detail }) => `${name}: ${detail}`),
    parts,
  };
}
