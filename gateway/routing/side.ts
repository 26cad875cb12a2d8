/** The two backends. */
export const SIDES = ['legacy', 'new'] as const;
export type Side = (typeof SIDES)[number];

export function otherSide(side: Side): Side {
  return side === 'legacy' ? 'new' : 'legacy';
}
