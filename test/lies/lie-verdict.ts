/** What came of a lie. All zero and empty when it came to nothing. */
export type LieVerdict = {
  lost: number;
  invented: number;
  /** With another content than the chain has. */
  differing: number;
  falseRetractions: number;
  falseHalts: number;
  /** What was said of an endpoint or a chain that is not so, in words. */
  misjudged: string[];
  /** What did not come to be in time, in words. */
  stuck: string[];
};

/** Names of the verdict's parts, as a person reads them. */
const VERDICT_WORDS: Record<keyof LieVerdict, string> = {
  lost: "lost",
  invented: "invented",
  differing: "differing",
  falseRetractions: "false retractions",
  falseHalts: "false halts",
  misjudged: "misjudged",
  stuck: "stuck",
};

export function emptyVerdict(): LieVerdict {
  return {
    ...{ lost: 0, invented: 0, differing: 0, falseRetractions: 0, falseHalts: 0 },
    ...{ misjudged: [], stuck: [] },
  };
}

function countOf(verdict: LieVerdict, part: keyof LieVerdict): number {
  const value = verdict[part];
  return typeof value === "number" ? value : value.length;
}

export function isClean(verdict: LieVerdict): boolean {
  return parts().every((part) => countOf(verdict, part) === 0);
}

/** What is wrong, such as `lost 2, stuck 1`; empty when nothing is. */
export function inWords(verdict: LieVerdict, { zeros = false } = {}): string {
  return parts()
    .filter((part) => zeros || countOf(verdict, part) > 0)
    .map((part) => `${VERDICT_WORDS[part]} ${countOf(verdict, part)}`)
    .join(", ");
}

export function sumOf(verdicts: readonly LieVerdict[]): LieVerdict {
  const sum = emptyVerdict();
  for (const verdict of verdicts) {
    for (const part of ["misjudged", "stuck"] as const) sum[part].push(...verdict[part]);
    for (const part of ["lost", "invented", "differing", "falseRetractions", "falseHalts"] as const)
      sum[part] += verdict[part];
  }
  return sum;
}

function parts(): (keyof LieVerdict)[] {
  return Object.keys(VERDICT_WORDS) as (keyof LieVerdict)[];
}
