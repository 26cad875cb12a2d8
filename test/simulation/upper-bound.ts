// What a share that was counted can be at most.

/** The upper end of the share of `hits` in `trials` at 95 % confidence, exact for the binomial (Clopper and Pearson 1934). */
export function upperBound(hits: number, trials: number): number {
  if (hits >= trials) return 1;
  let [low, high] = [hits / trials, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (shareUpTo(hits, trials, middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

/** How likely at most `hits` of `trials` events of this probability happen. */
function shareUpTo(hits: number, trials: number, probability: number): number {
  let logTerm = trials * Math.log(1 - probability);
  let sum = Math.exp(logTerm);
  for (let k = 1; k <= hits; k++) {
    logTerm += Math.log((trials - k + 1) / k) + Math.log(probability / (1 - probability));
    sum += Math.exp(logTerm);
  }
  return sum;
}
