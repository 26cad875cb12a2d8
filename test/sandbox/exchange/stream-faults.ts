/**
 * A trouble to cause to the next `count` frames (1 unless told) of the topics whose names contain `topic` (any when
 * absent): a `gap` loses the frame, a `duplicate` sends it twice, a `reorder` sends it after the one that follows,
 * `garbage` sends bytes that are no frame in its place.
 */
export interface StreamFault {
  readonly kind: 'gap' | 'duplicate' | 'reorder' | 'garbage';
  readonly topic?: string;
  readonly count?: number;
}

const FAULTS_MAX = 1000;
const GARBAGE = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f);

export function createStreamFaults() {
  let waiting: { readonly fault: StreamFault; left: number }[] = [];
  const held = new Map<string, Uint8Array>();

  const strike = (topic: string, frame: Uint8Array): readonly Uint8Array[] => {
    const found = waiting.find(({ fault }) => topic.includes(fault.topic ?? ''));
    if (!found) return [frame];
    found.left -= 1;
    if (found.left <= 0) waiting = waiting.filter((entry) => entry !== found);
    switch (found.fault.kind) {
      case 'gap':
        return [];
      case 'duplicate':
        return [frame, frame];
      case 'garbage':
        return [GARBAGE];
      case 'reorder':
        held.set(topic, frame);
        return [];
    }
  };

  return {
    /** Throws a RangeError when too many are waiting. */
    inject(fault: StreamFault): void {
      if (waiting.length >= FAULTS_MAX) throw new RangeError(`at most ${FAULTS_MAX} faults can wait`);
      waiting.push({ fault, left: fault.count ?? 1 });
    },
    clear(): void {
      waiting = [];
    },
    /** What is sent in place of `frame`. */
    spoil(topic: string, frame: Uint8Array): readonly Uint8Array[] {
      const late = held.get(topic);
      if (!late) return strike(topic, frame);
      held.delete(topic);
      return [frame, late];
    },
  };
}
