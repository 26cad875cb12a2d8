import { z } from 'zod';
import { gatewaySchema } from './gateway-schema.ts';

/** The configuration's JSON Schema, as the text of banyan.schema.json. Draft 7 is what YAML editors read. */
export function renderGatewayJsonSchema(): string {
  const schema = z.toJSONSchema(gatewaySchema, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
  return `${JSON.stringify({ ...schema, title: "Banyan gateway's configuration" }, null, 2)}\n`;
}
