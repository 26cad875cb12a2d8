// Which transactions a snapshot sees. Visibility, not log positions, says whether a chunk holds a change: a commit can be in
// the log, and delivered, while readers do not see it yet (it waits for a synchronous standby), so that "read after position
// X" proves nothing.

/** As pg_current_snapshot() prints it: "xmin:xmax:xip,...", 64-bit transaction ids. Subtransactions are not listed. */
export type Snapshot = { readonly xmin: bigint; readonly xmax: bigint; readonly running: ReadonlySet<bigint> };

/** @throws on anything but a snapshot's text. */
export function parseSnapshot(text: string): Snapshot {
  const [xmin, xmax, running] = text.split(':');
  if (!xmin || !xmax || running === undefined) throw new Error(`not a snapshot: ${text}`);
  const ids = running === '' ? [] : running.split(',').map(BigInt);
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), running: new Set(ids) };
}

/** Whether what the committed transaction `xid` did is visible in `snapshot` (pg_visible_in_snapshot). */
export function sees(snapshot: Snapshot, xid: bigint): boolean {
  if (xid < snapshot.xmin) return true;
  return xid < snapshot.xmax && !snapshot.running.has(xid);
}

const WRAP = 1n << 32n;

/**
 * The 64-bit id that the 32 bits of the log stand for: the nearest to `reference`, an id of about the same time. Postgres
 * keeps all ids in use within 2^31 of each other.
 */
export function widenXid(xid32: number, reference: bigint): bigint {
  const candidate = (reference / WRAP) * WRAP + BigInt(xid32);
  if (candidate - reference > WRAP / 2n && candidate >= WRAP) return candidate - WRAP;
  return reference - candidate > WRAP / 2n ? candidate + WRAP : candidate;
}
