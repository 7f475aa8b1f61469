/** When to try again: doubling from half a second to half a minute, never two clients in step. */

const FIRST_MS = 500;
const MOST_MS = 30_000;
const MOST_DOUBLINGS = 6;

export function backoff(attempt: number, random: () => number = Math.random): number {
  const most = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, MOST_DOUBLINGS));
  return most * (0.5 + random() / 2);
}

/** After a planned restart: at once, but not everybody in the same moment. */
export function restartDelay(random: () => number = Math.random): number {
  return 100 + random() * 1400;
}
