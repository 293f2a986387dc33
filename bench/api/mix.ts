import { HOT_PARTY } from "./filled-place.ts";
import type { Kind } from "./open-load-process.ts";

const LISTS = 2_000;

/**
 * What readers ask: of ten questions four for one escrow, two for those of a party, two for a page of
 * events, one for totals, one for a GraphQL list with relations.
 */
export function mixAbout(chainId: number, escrows: readonly string[]): Kind[] {
  const rest = (path: string, expects: string) => ({ path: `/v1/${path}`, expects });
  const parties = [
    HOT_PARTY,
    ...Array.from({ length: 997 }, (_, at) => `0x${String(at).padStart(40, "c")}`),
  ];
  const query = `query ($before: DateTime) {
    escrows(first: 20, where: { createdAt: { before: $before } }) {
      nodes { address status amount events(first: 5) { nodes { type blockNumber } }
              settlement { outcome } payeeTotals { payeeOpenCount } } } }`;
  return [
    {
      name: "one escrow",
      share: 4,
      questions: escrows.map((address) => rest(`escrows/${chainId}/${address}`, address)),
    },
    {
      name: "escrows of a party",
      share: 2,
      questions: parties.map((party) => rest(`escrows?party=${party}&limit=20`, '"escrows"')),
    },
    {
      name: "a page of events",
      share: 2,
      questions: escrows.map((address) =>
        rest(`escrows/${chainId}/${address}/events?limit=50`, address),
      ),
    },
    { name: "totals", share: 1, questions: [rest("stats", '"open_amount"')] },
    {
      name: "GraphQL list with relations",
      share: 1,
      questions: Array.from({ length: LISTS }, (_, at) => ({
        path: "/graphql",
        body: JSON.stringify({
          query,
          variables: { before: new Date(1_700_100_000_000 + at * 1_000_000).toISOString() },
        }),
        expects: '"nodes"',
      })),
    },
  ];
}
