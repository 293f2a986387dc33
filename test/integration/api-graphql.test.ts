import {
  buildClientSchema,
  getIntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isObjectType,
} from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EVENT_TYPES } from "../../src/events/event-catalogue.ts";
import { type ApiBed, startApiBed } from "../support/api-bed.ts";
import { askGraphql } from "../support/ask-graphql.ts";
import { PAYEE, PAYER, STRANGER } from "../support/given-events.ts";
import { RelayWorld } from "../support/relay-world.ts";
import {
  FORK_HASHES,
  FORKED,
  historyWithFork,
  IRREGULAR,
  OBSERVED,
  OPEN,
  PROGRESS,
  REFUNDED,
  RELEASED,
  UNPUBLISHED,
} from "../verify/verified-history.ts";

/* What GraphQL answers, on two chains with every kind of event. */

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

function bed(): Promise<ApiBed> {
  const events = [...historyWithFork(FORK_HASHES.first), UNPUBLISHED];
  return startApiBed(world, { events, progress: PROGRESS });
}

describe("relations", () => {
  test("lead from an escrow to its events, approvals, settlement and parties, and back", async () => {
    const { data } = await askGraphql(
      await bed(),
      `{
      escrow(chainId: 1, address: "${RELEASED}") {
        status
        approvers
        events { nodes { type streamVersion escrow { address } } }
        approvals { totalCount nodes { approver escrow { status } event { type } } }
        settlement { outcome beneficiary escrow { address } }
        payerTotals { address escrows(roles: [PAYER], first: 1) { totalCount } }
        payeeTotals { received { nodes { escrowAddress } } }
        arbiterTotals { address }
      }
    }`,
    );
    expect(data).toMatchObject({
      escrow: {
        status: "RELEASED",
        approvers: [PAYER, PAYEE],
        events: {
          nodes: ["EscrowCreated", "EscrowDeployed", "Approved", "Approved", "EscrowReleased"].map(
            (type, at) => ({ type, streamVersion: at + 1, escrow: { address: RELEASED } }),
          ),
        },
        approvals: {
          totalCount: 2,
          nodes: [PAYER, PAYEE].map((approver) => ({
            approver,
            escrow: { status: "RELEASED" },
            event: { type: "Approved" },
          })),
        },
        settlement: { outcome: "RELEASED", beneficiary: PAYEE, escrow: { address: RELEASED } },
        payerTotals: { address: PAYER, escrows: { totalCount: 5 } },
        payeeTotals: { received: { nodes: [{ escrowAddress: RELEASED }] } },
      },
    });
  });
});

describe("filters", () => {
  const addresses = async (where: string): Promise<string[]> => {
    const { data } = await askGraphql(
      shared,
      `{ escrows(where: ${where}, orderBy: { by: ADDRESS }) { nodes { address } totalCount } }`,
    );
    const { nodes, totalCount } = (data as Listed).escrows;
    expect(totalCount).toBe(nodes.length);
    return nodes.map(({ address }) => address);
  };
  type Listed = { escrows: { nodes: { address: string }[]; totalCount: number } };
  let shared: ApiBed;

  test("by status, chain, role, ranges of amount and time, and anomalies", async () => {
    shared = await bed();
    const all = [RELEASED, REFUNDED, OPEN, FORKED, OBSERVED];
    expect(await addresses("{ chainId: 1 }")).toEqual(all);
    expect(await addresses("{ status: [RELEASED, REFUNDED, RELEASED] }")).toEqual([
      RELEASED,
      REFUNDED,
    ]);
    expect(await addresses("{ status: [] }")).toEqual([]);
    expect(await addresses(`{ party: "${PAYER}", chainId: 1 }`)).toEqual(all);
    expect(await addresses(`{ party: "${PAYER}", roles: [PAYEE] }`)).toEqual([]);
    expect(await addresses(`{ party: "${PAYER}", roles: [] }`)).toEqual([]);
    expect(await addresses(`{ party: "${STRANGER}" }`)).toEqual([REFUNDED]);
    expect(await addresses(`{ arbiter: "${STRANGER}", status: [CREATED] }`)).toEqual([]);
    expect(await addresses('{ amount: { min: "1000000000000000001" } }')).toEqual([]);
    expect(
      await addresses('{ chainId: 1, amount: { min: 1, max: "1000000000000000000" } }'),
    ).toEqual(all);
    expect(
      await addresses(
        '{ createdAt: { from: "2023-11-14T22:33:44Z", before: "2023-11-14T22:34:08Z" } }',
      ),
    ).toEqual([REFUNDED]);
    expect(await addresses("{ hasAnomalies: true }")).toEqual([IRREGULAR]);
    expect(await addresses('{ releasableAt: "2030-01-01T00:00:00Z", chainId: 1 }')).toEqual([OPEN]);
  });

  test("of events: by type, escrow, block and time", async () => {
    const { data } = await askGraphql(
      await bed(),
      `{
      typed: events(where: { type: [EscrowRefunded, EscrowReleased] }) { nodes { type } totalCount }
      blocks: events(where: { chainId: 1, blockNumber: { min: 101, max: 103 } }) { totalCount }
      timed: events(where: { blockTimestamp: { from: "2023-11-14T22:33:32Z", before: "2023-11-14T22:33:33Z" } }) { nodes { blockNumber } }
      odd: events(where: { hasAnomaly: true }) { nodes { anomaly } }
    }`,
    );
    expect(data).toMatchObject({
      typed: { nodes: [{ type: "EscrowRefunded" }, { type: "EscrowReleased" }], totalCount: 2 },
      blocks: { totalCount: 5 },
      timed: { nodes: [{ blockNumber: 101 }, { blockNumber: 101 }] },
      odd: { nodes: [{ anomaly: `approved twice by ${PAYER}` }] },
    });
  });
});

describe("pages", () => {
  test("are walked with cursors from both ends, of nested connections too", async () => {
    const api = await bed();
    const walk = async (size: string, cursor: "startCursor" | "endCursor", argument: string) => {
      const found: string[] = [];
      for (let from: string | null = null; ; ) {
        const { data } = await askGraphql(
          api,
          `query ($from: String) { escrow(chainId: 1, address: "${RELEASED}") {
            events(${size}: 2, ${argument}: $from) { edges { cursor node { type } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
          { from },
        );
        // biome-ignore lint/suspicious/noExplicitAny: the shape is what was asked for
        const { edges, pageInfo } = (data as any).escrow.events;
        // biome-ignore lint/suspicious/noExplicitAny: the shape is what was asked for
        const types = edges.map(({ node }: any) => node.type);
        if (size === "first") found.push(...types);
        else found.unshift(...types);
        from = pageInfo[cursor];
        if (!(size === "first" ? pageInfo.hasNextPage : pageInfo.hasPreviousPage)) return found;
      }
    };
    const inOrder = ["EscrowCreated", "EscrowDeployed", "Approved", "Approved", "EscrowReleased"];
    expect(await walk("first", "endCursor", "after")).toEqual(inOrder);
    expect(await walk("last", "startCursor", "before")).toEqual(inOrder);
  });
});

describe("a past block", () => {
  test("gives an escrow and a party as they were, and their events up to there", async () => {
    const { data } = await askGraphql(
      await bed(),
      `{
      once: escrow(chainId: 1, address: "${RELEASED}", asOfBlock: 101) {
        status version settlement { outcome } events { totalCount nodes { type } } approvals { totalCount } }
      before: escrow(chainId: 1, address: "${RELEASED}", asOfBlock: 99) { status }
      now: escrow(chainId: 1, address: "${RELEASED}") { status version }
      party(chainId: 1, address: "${PAYER}", asOfBlock: 100) { payerOpenCount payerSettledCount }
    }`,
    );
    expect(data).toEqual({
      once: {
        status: "APPROVED",
        version: 4,
        settlement: null,
        events: {
          totalCount: 4,
          nodes: ["EscrowCreated", "EscrowDeployed", "Approved", "Approved"].map((type) => ({
            type,
          })),
        },
        approvals: { totalCount: 2 },
      },
      before: null,
      now: { status: "RELEASED", version: 5 },
      party: { payerOpenCount: 1, payerSettledCount: 0 },
    });
  });

  test("that is not indexed, and what has no answer for it, is refused with what to do", async () => {
    const api = await bed();
    const late = await askGraphql(
      api,
      `{ escrow(chainId: 10, address: "${IRREGULAR}", asOfBlock: 101) { status } }`,
    );
    expect(late).toMatchObject({
      status: 400,
      errors: [{ message: "block 101 of chain 10 is not indexed: the indexed head is block 100" }],
    });
    const totals = await askGraphql(
      api,
      `{ escrow(chainId: 1, address: "${RELEASED}", asOfBlock: 101) { payerTotals { address } } }`,
    );
    expect(totals.errors?.[0]?.message).toMatch(/ask party\(chainId, address, asOfBlock\)/);
  });
});

describe("an answer", () => {
  test("says per chain what is indexed, final and verified, in its extensions and its headers", async () => {
    const { extensions, headers, data } = await askGraphql(
      await bed(),
      "{ chains { chainId name indexed { block time } final { block } verified { block } } stats(chainId: 10) { events } }",
    );
    expect(extensions).toEqual({
      chains: [
        {
          chainId: 1,
          indexed: { block: 216620, time: "2023-12-15T00:17:20Z" },
          final: { block: 216505, time: "2023-12-14T23:54:20Z" },
          verified: null,
        },
        {
          chainId: 10,
          indexed: { block: 100, time: "2023-11-14T22:33:20Z" },
          final: { block: 60, time: "2023-11-14T22:25:20Z" },
          verified: null,
        },
      ],
    });
    expect(headers.get("x-indexed-block")).toBe("1=216620 10=100");
    expect(data).toMatchObject({
      chains: [{ name: "chain-1" }, { name: "chain-10" }],
      stats: { events: 4 },
    });
  });
});

describe("a question that makes no sense", () => {
  const REFUSED: [question: string, message: string][] = [
    ["{ escrows(first: -1) { totalCount } }", "first: -1 is not a page: it is from 1 to 1000"],
    ["{ escrows(first: 0) { totalCount } }", "first: 0 is not a page: it is from 1 to 1000"],
    ["{ escrows(last: 1001) { totalCount } }", "last: 1001 is not a page: it is from 1 to 1000"],
    [
      "{ escrows(first: 1, last: 1) { totalCount } }",
      "first and last cannot be asked for together: one page has one end",
    ],
    [
      '{ escrows(last: 1, after: "x") { totalCount } }',
      "after goes with first, and before with last",
    ],
    [
      '{ escrows(first: 1, before: "x") { totalCount } }',
      "before goes with last, and after with first",
    ],
    [
      '{ escrows(after: "x") { nodes { address } } }',
      "not a cursor: take one from the page before, as it is",
    ],
    [
      "{ escrows(where: { status: BOGUS }) { totalCount } }",
      'Value "BOGUS" does not exist in "EscrowStatus" enum.',
    ],
    [
      '{ escrows(where: { payer: "0x12" }) { totalCount } }',
      '"0x12" is not an address: 0x and 40 hex digits in lower case, or in mixed case with the right checksum (EIP-55)',
    ],
    [
      '{ escrows(where: { payer: "0x311e63dfcEfe7f2c202715ef0DF01CDA82f58914" }) { totalCount } }',
      "with the right checksum",
    ],
    [
      '{ escrows(where: { amount: { min: "-1" } }) { totalCount } }',
      '"-1" is not a whole number from 0 to 2^256 - 1, as a decimal string',
    ],
    [
      '{ escrows(where: { createdAt: { from: "yesterday" } }) { totalCount } }',
      '"yesterday" is not a time from 1970 on with its offset, such as 2026-01-31T12:00:00Z',
    ],
    [
      "{ partys { totalCount } }",
      'Cannot query field "partys" on type "Query". Did you mean "party" or "parties"?',
    ],
    ["{ escrows", "Syntax Error: Expected Name, found <EOF>."],
  ];

  test("is refused, with what is wrong", async () => {
    const api = await bed();
    for (const [question, message] of REFUSED)
      expect(await askGraphql(api, question), question).toMatchObject({
        status: 400,
        errors: [
          { message: expect.stringContaining(message), extensions: { code: "ES-REQUEST-BAD" } },
        ],
      });
  });

  test("a variable of the wrong kind", async () => {
    const question = "query ($where: EscrowFilter) { escrows(where: $where) { totalCount } }";
    const answer = await askGraphql(await bed(), question, { where: { status: ["bogus"] } });
    expect(answer).toMatchObject({
      status: 400,
      errors: [{ message: expect.stringContaining('Value "bogus" does not exist') }],
    });
  });

  test("a cursor of another ordering", async () => {
    const api = await bed();
    const { data } = await askGraphql(api, "{ escrows(first: 1) { pageInfo { endCursor } } }");
    const cursor = (data as { escrows: { pageInfo: { endCursor: string } } }).escrows.pageInfo
      .endCursor;
    const other = await askGraphql(
      api,
      `{ escrows(first: 1, orderBy: { by: AMOUNT }, after: "${cursor}") { nodes { address } } }`,
    );
    expect(other).toMatchObject({
      status: 400,
      errors: [{ message: expect.stringMatching(/of another ordering/) }],
    });
  });
});

describe("the schema", () => {
  test("describes every type, field, argument and value, and knows every event", async () => {
    const { data } = await askGraphql(await bed(), getIntrospectionQuery());
    const types = Object.values(buildClientSchema(data as never).getTypeMap());
    const silent = types
      .filter(({ name }) => !name.startsWith("__"))
      .flatMap((type) => [
        { name: type.name, description: type.description },
        ...(isObjectType(type)
          ? Object.values(type.getFields()).flatMap((field) => [field, ...field.args])
          : isInputObjectType(type)
            ? Object.values(type.getFields())
            : isEnumType(type)
              ? type.getValues()
              : []),
      ])
      .filter(({ description }) => !description);
    expect(silent).toEqual([]);
    const events = types.find(({ name }) => name === "EventType");
    const names = isEnumType(events) ? events.getValues().map(({ name }) => name) : [];
    expect(names.sort()).toEqual([...EVENT_TYPES].sort());
  });
});
