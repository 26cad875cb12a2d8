// News: what is numbered and kept for a while, so that whoever was away can read on. The envelope, and ids.

/**
 * One message as every instance and every client sees it. `text` is the envelope, one line of JSON:
 * `{type, data, timestamp, seq, id}`. `seq` counts one by one within an epoch; the epoch, ms, is when the channel's history
 * began, and is another one once that history was lost. `id` is both: "EPOCH-SEQ".
 */
export type News = { readonly epoch: number; readonly seq: number; readonly text: string };
export type NewsId = Pick<News, 'epoch' | 'seq'>;

/** News kept of each channel: 25 s of a market, which is told of ten times a second. */
export const HISTORY_MAX = 256;
/** A channel without news for this long is forgotten; its next news begin another epoch. */
export const HISTORY_KEPT_MS = 3_600_000;
/** The longest news, so that what is kept is bounded in bytes too. */
export const NEWS_CHARS_MAX = 16_384;

const ID = /^(\d{1,15})-(\d{1,15})$/;
const ENVELOPE_END = /,"seq":(\d{1,15}),"id":"(\d{1,15})-\1"\}$/;
/** The end of an envelope is no longer than this. */
const ENDING_CHARS = 64;

/** The envelope but for its number, which whoever numbers appends. */
export function envelopeHead(type: string, data: object, nowMs: number): string {
  return `{"type":${JSON.stringify(type)},"data":${JSON.stringify(data)},"timestamp":${nowMs}`;
}

/** The same of news that must not be dropped. Throws when they are longer than news may be. */
export function headToFit(type: string, data: object, nowMs: number): string {
  const head = envelopeHead(type, data, nowMs);
  if (head.length > NEWS_CHARS_MAX)
    throw new RangeError(`news of type ${type} are too long: ${head.length} characters`);
  return head;
}

export const idOf = ({ epoch, seq }: NewsId): string => `${epoch}-${seq}`;

export function numbered(head: string, id: NewsId): News {
  return { ...id, text: `${head},"seq":${id.seq},"id":"${idOf(id)}"}` };
}

/** The news in an envelope; undefined when it is none. */
export function newsOf(text: string): News | undefined {
  const [, seq, epoch] = ENVELOPE_END.exec(text.slice(-ENDING_CHARS)) ?? [];
  return seq === undefined ? undefined : { epoch: Number(epoch), seq: Number(seq), text };
}

export function parseNewsId(text: string): NewsId | undefined {
  const [, epoch, seq] = ID.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch: Number(epoch), seq: Number(seq) };
}

export const isAfter = (a: NewsId, b: NewsId): boolean => a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq);
/** Nothing can have been told between the two. */
export const isNext = (a: NewsId, b: NewsId): boolean => a.epoch === b.epoch && a.seq === b.seq + 1;
