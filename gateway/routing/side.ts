/** The two backends. */
export const SIDES = ['legacy', 'new'] as const;
export type Side = (typeof SIDES)[number];

export function otherSide(side: Side): Side {
  return side === 'legacy' ? 'new' : 'legacy';
}

/** How many of `all` name each side. Pure. */
export function countSides(all: readonly (readonly Side[])[]): Readonly<Record<Side, number>> {
  const count = (side: Side) => all.filter((sides) => sides.includes(side)).length;
  return { legacy: count('legacy'), new: count('new') };
}
