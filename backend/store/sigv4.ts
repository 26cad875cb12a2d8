// AWS Signature Version 4 for requests with one body and no query (docs.aws.amazon.com, "Create a signed AWS API request"). The
// SDK signs as well, at some hundred microseconds a request; here the day's key is kept. Pure but for that.
import { createHmac, hash } from 'node:crypto';

export type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
};

export type Unsigned = {
  /** Lower-case names; all of them are signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type Signer = (credentials: Credentials, request: Unsigned, amzDate: string) => string;

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** `amzDate` of a time: 20260105T100000Z. */
export const amzDateOf = (ms: number): string => new Date(ms).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');

/** Answers the Authorization field for POST / of a service. */
export function createSigner(region: string, service: string): Signer {
  let kept: { readonly secret: string; readonly day: string; readonly key: Buffer } | undefined;

  function keyOf(secret: string, day: string): Buffer {
    if (kept?.secret !== secret || kept.day !== day) {
      const ofDay = hmac(`AWS4${secret}`, day);
      kept = { secret, day, key: hmac(hmac(hmac(ofDay, region), service), 'aws4_request') };
    }
    return kept.key;
  }

  return function sign({ accessKeyId, secretAccessKey }, { headers, body }, amzDate) {
    const names = Object.keys(headers).sort();
    const fields = names.map((name) => `${name}:${headers[name]?.trim()}\n`).join('');
    const signed = names.join(';');
    const canonical = `POST\n/\n\n${fields}\n${signed}\n${hash('sha256', body)}`;
    const day = amzDate.slice(0, 8);
    const scope = `${day}/${region}/${service}/aws4_request`;
    const toSign = `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${hash('sha256', canonical)}`;
    const signature = hmac(keyOf(secretAccessKey, day), toSign).toString('hex');
    return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
  };
}
