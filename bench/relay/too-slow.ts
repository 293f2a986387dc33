import type { Sample } from "../framework/run-in-turn.ts";

/** Somebody who is left out, and why, in a sentence for the notes. */
export type TooSlow = { name: string; why: string };

/**
 * Finds out, with a trial of a smaller part of the work, who would take longer than he may.
 *
 * @param units of the whole work
 * @param trialUnits of the trial; not so few that starting up, or waiting for locks, decides
 * @param mostSeconds for one run of all
 * @param trial runs a contender on less; checks its result
 */
export async function findTooSlow<Contender extends { name: string }>(
  contenders: readonly Contender[],
  { units, trialUnits, mostSeconds }: { units: number; trialUnits: number; mostSeconds: number },
  trial: (contender: Contender, units: number) => Promise<Sample>,
): Promise<TooSlow[]> {
  const found: TooSlow[] = [];
  for (const contender of contenders) {
    const { name } = contender;
    const sample = await trial(contender, trialUnits);
    const rate = sample.units / sample.seconds;
    if (units / rate <= mostSeconds) continue;
    const minutes = Math.round(units / rate / 60);
    found.push({
      name,
      why: `\`${name}\` is left out: at its ${Math.round(rate)} per second with ${sample.units.toLocaleString("en-US")} it would take ${minutes} minutes.`,
    });
  }
  return found;
}
