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
  const statement = {
    sql: `select status, count(*) as escrows from escrow where chain_id = $1 group by status`,
    params: [chainId],
  };
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
    "SQL over HTTP": {
      isPlain: false,
      questions: [
        {
          // In superjson's form, which for this is plain JSON in an envelope.
          path: `/sql/db?sql=${encodeURIComponent(JSON.stringify({ json: statement }))}`,
          expects: "released",
        },
      ],
    },
    health: { isPlain: true, questions: [{ path: "/health", expects: "" }] },
  };
}

function graphql(query: string, expects: string): Question {
  return { path: "/graphql", body: JSON.stringify({ query }), expects };
}
