// The schemas of the operator's API that have a name in its OpenAPI document. What the API answers is typed by them, and
// so is what the console and the command line read.
import { z } from 'zod';

export const schemas = z.registry<{ id: string }>();

/** Gives a schema its name. */
export function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  schemas.add(schema, { id });
  return schema;
}

/** A list that nobody changes. */
export function list<Schema extends z.ZodType>(member: Schema) {
  return z.array(member).readonly();
}

export const instant = z.string().describe('ISO 8601, UTC.');
export const revision = z.number().int().min(0).describe('Grows with every change; what the ETag is made of.');
export const share = z.number().describe('From 0 to 1.');

export const count = z.number().int().min(0);

/** A count of each of these. */
export function countsOf<Name extends string>(names: readonly Name[]) {
  // Object.fromEntries forgets which keys there are.
  return z.strictObject(Object.fromEntries(names.map((name) => [name, count])) as Record<Name, typeof count>);
}
