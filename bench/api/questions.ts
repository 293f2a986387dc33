import type { Question } from "./load-process.ts";

/** What is asked, by kind: of this project's API, and of plain `ponder serve` in its own words. */
export type Questions = Record<string, { ours: Question[]; plain: Question[] | null }>;

/**
 * Every kind of question that the query side answers, about escrows that exist. What both servers
 * answer, they are asked for the same fields of the same rows.
 *
 * @param chainId of all of them
 */
export function questionsAbout(chainId: number, escrows: readonly string[]): Questions {
  const health = [{ path: "/health", expects: "" }];
  return {
    "GraphQL list of 50": { ours: [ourList()], plain: [plainList()] },
    "GraphQL detail": {
      ours: escrows.map((address) => ourDetail(chainId, address)),
      plain: escrows.map((address) => plainDetail(chainId, address)),
    },
    "REST list of 50": {
      ours: [{ path: "/v1/escrows?status=released&limit=50", expects: '"released"' }],
      plain: null,
    },
    "REST detail": {
      ours: escrows.map((address) => ({
        path: `/v1/escrows/${chainId}/${address}`,
        expects: address,
      })),
      plain: null,
    },
    health: { ours: health, plain: health },
  };
}

function ourList(): Question {
  return graphql(
    `{ escrows(where: { status: [RELEASED] }, first: 50) {
         nodes { address status payer payee amount approvalsGiven createdAt } } }`,
    '"status":"RELEASED"',
  );
}

function plainList(): Question {
  return graphql(
    `{ escrows(where: { status: "released" }, orderBy: "createdAt", orderDirection: "desc", limit: 50) {
         items { address status payer payee amount approvalsGiven createdAt } } }`,
    '"status":"released"',
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
