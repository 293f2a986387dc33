import type { Snapshot } from "./snapshot.ts";
import type { Drained } from "./wait-until-published.ts";

/** The last line of a run that ends by itself. */
export type Summary = Pick<Snapshot, "chains" | "escrows" | "events" | "anomalies"> & {
  published: Record<string, number>;
  seconds: number;
};

export function summaryOf({ snapshot }: Drained, elapsedMs: number): Summary {
  const { chains, escrows, events, publications, anomalies } = snapshot;
  return {
    chains,
    escrows,
    events,
    published: Object.fromEntries(publications.map((one) => [one.topic, one.published])),
    anomalies,
    seconds: Math.round(elapsedMs / 100) / 10,
  };
}

/** What is indexed and not published, in words; null when the two agree. */
export function disagreementOf({ missing, isIndexed }: Drained): string | null {
  const short = Object.entries(missing).filter(([, count]) => count > 0);
  if (isIndexed && short.length === 0) return null;
  const problems = [
    ...(isIndexed ? [] : ["the chain is not indexed to its head"]),
    ...short.map(([topic, count]) => `${topic} lacks ${count} messages`),
  ];
  return `ES-NOT-PUBLISHED: published and indexed do not agree: ${problems.join("; ")}`;
}
