// Requests of HTTP/1 without the object of all their fields that Node makes to look at four of them. Ours read raw pairs.
import { IncomingMessage } from 'node:http';

type Fields = Readonly<Record<string, string>>;

const NONE: Fields = {};
/** What frames a body, what it waits for, and whether chunks may answer a request of HTTP/1.0: all that Node's server asks. */
const ASKED: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'expect', 'te']);
const LENGTHS: ReadonlySet<number> = new Set([...ASKED].map(({ length }) => length));

/** Of its fields `headers` has those that Node's server asks for. */
export class LeanRequest extends IncomingMessage {
  static {
    // Node has it as an accessor too, and its type as a property, which no accessor may stand in for.
    Object.defineProperty(LeanRequest.prototype, 'headers', {
      get(this: LeanRequest): Fields {
        return askedFields(this.rawHeaders);
      },
    });
  }
}

function askedFields(pairs: readonly string[]): Fields {
  let found: Record<string, string> | undefined;
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    if (!LENGTHS.has(name.length)) continue;
    const lower = name.toLowerCase();
    if (!ASKED.has(lower)) continue;
    found ??= {};
    found[lower] ??= pairs[i + 1] as string; // A second one is refused (guard.ts), whatever it says.
  }
  return found ?? NONE;
}
