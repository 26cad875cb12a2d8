// `npm run schema`: writes banyan.schema.json, from which editors complete and check a gateway's configuration.
import { writeFileSync } from 'node:fs';
import { renderGatewayJsonSchema } from './json-schema.ts';

writeFileSync(new URL('./banyan.schema.json', import.meta.url), renderGatewayJsonSchema());
