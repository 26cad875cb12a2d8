// The seal of a data job's certificate: made by the job, checked by the gateway, which knows only some of its fields.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

const ALGORITHM = 'HMAC-SHA256';

/** What stands in a certificate beside its body. */
export const sealSchema = z.object({ algorithm: z.literal(ALGORITHM), value: z.string().regex(/^[0-9a-f]{64}$/) });
export type Seal = z.infer<typeof sealSchema>;

/** Over the body as JSON without spaces, its fields in their order: JSON that is read and written keeps that order. */
export function sealOf(body: object, key: string): Seal {
  return { algorithm: ALGORITHM, value: createHmac('sha256', key).update(JSON.stringify(body)).digest('hex') };
}

/** Whether a certificate, as its file's JSON was read, was sealed with this key and is unchanged since. */
export function isSealed(certificate: unknown, key: string): boolean {
  const sealed = z.record(z.string(), z.unknown()).safeParse(certificate); // Keeps the order, as a schema of fields would not.
  const { signature, ...body } = sealed.data ?? {};
  const seal = sealSchema.safeParse(signature);
  return seal.success && timingSafeEqual(Buffer.from(seal.data.value), Buffer.from(sealOf(body, key).value));
}
