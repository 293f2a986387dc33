/** What went wrong, by kind, with the ids concerned. Empty lists are what is promised. */
export type Verdict = Record<Wrong, string[]>;
export const WRONGS = ["lost", "duplicated", "reordered", "differing", "gaps"] as const;
export type Wrong = (typeof WRONGS)[number];

/** What must have been told to the world, in chain order. */
export type Expected = {
  eventId: string;
  orderingKey: string;
  body: string;
  attributes: Record<string, string>;
};

export function nothingWrong(): Verdict {
  return { lost: [], duplicated: [], reordered: [], differing: [], gaps: [] };
}

/** Several verdicts as one. */
export function allWrongs(verdicts: Verdict[]): Verdict {
  const all = nothingWrong();
  for (const verdict of verdicts) for (const wrong of WRONGS) all[wrong].push(...verdict[wrong]);
  return all;
}

/** `lost 0, duplicated 0, reordered 0, differing 0, gaps 0` */
export function inWords(verdict: Verdict): string {
  return WRONGS.map((wrong) => `${wrong} ${verdict[wrong].length}`).join(", ");
}

export function isClean(verdict: Verdict): boolean {
  return WRONGS.every((wrong) => verdict[wrong].length === 0);
}
