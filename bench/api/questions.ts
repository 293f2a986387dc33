import type { Question } from "./ask.ts";

/** What is asked, by kind: of this project's API, and of plain `ponder serve` in its own words. */
export type Questions = Record<string, { ours: Question[]; plain: Question[] | null }>;

/**
 * Every kind of question that the query side answers, about escrows that exist. What both servers
 * answer, they are asked for the same fields of the same rows. "each another": no two alike, so that
 * nothing of an answer can be kept for the next.
 *
 * @param chainId of all of them
 */
export function questionsAbout(chainId: number, escrows: readonly string[]): Questions {
  const health = [{ path: "/health", expects: "" }];
  const times = escrows.map((_, at) => 1_700_100_000 + 293 * at);
  return {
    "GraphQL list of 50, the same": { ours: [ourList(null)], plain: [plainList(null)] },
    "GraphQL lists of 50, each another": { ours: times.map(ourList), plain: times.map(plainList) },
    "GraphQL details, each another": {
      ours: escrows.map((address) => ourDetail(chainId, address)),
      plain: escrows.map((address) => plainDetail(chainId, address)),
    },
    "REST list of 50, the same": { ours: [restList("")], plain: null },
    "REST lists of 50, each another": {
      ours: times.map((time) => restList(`&created_before=${time}`)),
      plain: null,
    },
    "REST details, each another": {
      ours: escrows.map((address) => ({
        path: `/v1/escrows/${chainId}/${address}`,
        expects: address,
      })),
      plain: null,
    },
    health: { ours: health, plain: health },
  };
}

function restList(more: string): Question {
  return { path: `/v1/escrows?status=released&limit=50${more}`, expects: '"released"' };
}

const FIELDS = "address status payer payee amount approvalsGiven createdAt";

/** @param before created before this time, in Unix seconds; all when null */
function ourList(before: number | null): Question {
  return graphql(
    `query ($where: EscrowFilter) { escrows(where: $where, first: 50) { nodes { ${FIELDS} } } }`,
    '"status":"RELEASED"',
    {
      where: {
        status: ["RELEASED"],
        ...(before === null
          ? {}
          : { createdAt: { before: new Date(before * 1_000).toISOString() } }),
      },
    },
  );
}

function plainList(before: number | null): Question {
  return graphql(
    `query ($where: escrowFilter) {
       escrows(where: $where, orderBy: "createdAt", orderDirection: "desc", limit: 50) {
         items { ${FIELDS} } } }`,
    '"status":"released"',
    {
      where: { status: "released", ...(before === null ? {} : { createdAt_lt: String(before) }) },
    },
  );
}

function ourDetail(chainId: number, address: string): Question {
  return graphql(
    `query ($chainId: Int!, $address: Address!) { escrow(chainId: $chainId, address: $address) {
         address status payer payee arbiter amount approvers version
         events(orderBy: { by: POSITION, direction: ASC }) {
           nodes { type payload blockNumber transactionHash } }
         approvals { nodes { approver approvedAt } } } }`,
    address,
    { chainId, address },
  );
}

function plainDetail(chainId: number, address: string): Question {
  return graphql(
    `query ($chainId: Float!, $address: String!) { escrow(chainId: $chainId, address: $address) {
         address status payer payee arbiter amount approvers version
         events(orderBy: "streamVersion") { items { type payload blockNumber transactionHash } }
         approvals { items { approver approvedAt } } } }`,
    address,
    { chainId, address },
  );
}

function graphql(query: string, expects: string, variables?: object): Question {
  return { path: "/graphql", body: JSON.stringify({ query, variables }), expects };
}
