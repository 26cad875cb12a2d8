// Rules in force as a piece of the configuration. Pure.
import { Document, isMap } from 'yaml';
import { withoutDefaults } from '../../config/compare-rules.ts';
import type { CompareConfig } from '../../config/gateway-schema.ts';

export interface ExportedRoute {
  readonly id: string;
  /** What is in force: operators' rules first in each list, as they were made, the newest first. */
  readonly compare: CompareConfig;
  /** Those that operators have made, in the same order. */
  readonly made: readonly MadeRule[];
}

export interface MadeRule {
  readonly kind: string;
  readonly createdBy: string | null;
  readonly createdAt: string | null;
  readonly permanent: string | null;
}

const HEADING = ` Rules in force, operators' own among them. Each block takes the place of its route's compare block;
 once the configuration is read, the operators' rules can be removed (banyan rules remove).`;

/** Each route with its whole `compare` block; read again, it is the same block. */
export function exportYaml(routes: readonly ExportedRoute[]): string {
  const document = new Document({
    routes: routes.map(({ id, compare }) => ({ id, compare: withoutDefaults(compare) })),
  });
  document.commentBefore = HEADING;
  routes.forEach(({ made }, index) => {
    const seen = new Map<string, number>();
    for (const rule of made) {
      const at = seen.get(rule.kind) ?? 0;
      seen.set(rule.kind, at + 1);
      const node = document.getIn(['routes', index, 'compare', rule.kind, at], true);
      if (isMap(node)) node.commentBefore = originOf(rule);
    }
  });
  // The end of its last line only: blanks before it may be a text's own.
  return document.toString({ lineWidth: 0 }).replace(/\n$/, '');
}

/** Who made a rule, on one line: a reason may have several. */
function originOf({ createdBy, createdAt, permanent }: MadeRule): string {
  const why = permanent === null ? '' : `; has no last day: ${permanent}`;
  return ` made by ${createdBy} on ${createdAt?.slice(0, 10)}${why}`.replaceAll(/\s+/g, ' ');
}
