import type { Question } from "./load-process.ts";

/** What is asked, by kind. */
export type Questions = Record<string, { isPlain: boolean; questions: Question[] }>;

/**
 * Every kind of question that the query side answers, about escrows that exist.
 *
 * @param chainId of all of them
 */
export function questionsAbout(chainId: number, escrows: readonly string[]): Questions {
  const list = graphql(
    `{ escrows(where: { status: "released" }, orderBy: "createdAt", orderDirection: "desc", limit: 50) {
         items { address status payer payee amount approvalsGiven createdAt } } }`,
    '"status":"released"',
  );
  const details = escrows.map((address) =>
    graphql(
      `{ escrow(chainId: ${chainId}, address: "${address}") {
           address status payer payee arbiter amount approvers version
           events(orderBy: "streamVersion") { items { type payload blockNumber transactionHash } }
           approvals { items { approver approvedAt } } } }`,
      address,
    ),
  );
  return {
    "GraphQL list of 50": { isPlain: true, questions: [list] },
    "GraphQL detail": { isPlain: true, questions: details },
    "REST list of 50": {
      isPlain: false,
      questions: [{ path: "/v1/escrows?status=released&limit=50", expects: '"released"' }],
    },
    "REST detail": {
      isPlain: false,
      questions: escrows.map((address) => ({
        path: `/v1/escrows/${chainId}/${address}`,
        expects: address,
      })),
    },
    health: { isPlain: true, questions: [{ path: "/health", expects: "" }] },
  };
}

function graphql(query: string, expects: string): Question {
  return { path: "/graphql", body: JSON.stringify({ query }), expects };
}
