import { pad } from "viem";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { EVENT_CATALOGUE } from "../../src/events/event-catalogue.ts";
import { auditedChain, storedEvents, transactionWith } from "../audit/audited-chain.ts";
import { WitnessBed, type WitnessScene } from "../witness/witness-bed.ts";

/* A chain whose blooms are right for long, and then are not: what was proven by them. */

const bed = new WitnessBed();
beforeAll(() => bed.start());
afterEach(() => bed.endTest());
afterAll(() => bed.stop());

/** This block hides an approval from its bloom, and that one's bloom shows that blooms are wrong. */
const [HIDDEN, SHOWN] = [50, 61];
const NO_BLOOM = `0x${"00".repeat(256)}` as const;
const FULL_BLOOM = `0x${"ff".repeat(256)}` as const;

async function falseBlooms(): Promise<{ it: WitnessScene; approval: string }> {
  const shape = { blocks: 70, deals: 10 };
  const [deployed] = storedEvents(auditedChain("blooms", shape));
  if (deployed === undefined) throw new Error("no event on this chain");
  const { topic0 } = EVENT_CATALOGUE.Approved.revisions[deployed.revision];
  const approver = `0x${"aa".repeat(20)}` as const;
  const log = {
    ...{ address: deployed.stream, topics: [topic0, pad(approver)], data: "0x" as const },
    fact: {
      type: "Approved",
      revision: deployed.revision,
      payload: { approver },
      escrow: deployed.stream,
    } as const,
  };
  const more = [{ block: HIDDEN, transaction: transactionWith("a late approval", [log]) }];
  const blooms = { [HIDDEN]: NO_BLOOM, [SHOWN]: FULL_BLOOM };
  const it = await bed.scene(auditedChain("blooms", { ...shape, more, blooms }));
  const approval = it.events.find(({ blockNumber }) => blockNumber === HIDDEN);
  if (approval === undefined) throw new Error("the approval is not there");
  return { it, approval: approval.id };
}

async function finalThrough(
  { chain, deployment }: WitnessScene,
  events: WitnessScene["events"],
  finalized: number,
) {
  await deployment.holds(events, [
    { chainId: chain.chainId, latest: chain.head.number, finalized },
  ]);
}

test("what was proven by blooms is proven again by receipts when one is seen to be wrong, and what it hid is found [G-22]", async () => {
  const { it, approval } = await falseBlooms();
  const stored = it.events.filter(({ id }) => id !== approval);
  await finalThrough(it, stored, SHOWN - 1);
  const first = it.witness();
  const before = await first.until(({ verifiedThrough }) => verifiedThrough === SHOWN - 1);
  expect(before.source.bloom).toBe("trusted");
  expect(before.findings).toEqual([]);

  await finalThrough(it, stored, it.final);
  const { findings, history } = await first.until(
    (status) => status.findings.length > 0 && status.verifiedThrough === it.final,
  );
  expect(findings).toMatchObject([{ kind: "hole", eventId: approval, block: HIDDEN }]);
  // What is published stays, and nothing of these blocks is added to it.
  expect(history).toMatchObject({ to: SHOWN - 1, verified: HIDDEN - 1 });
  expect(it.log).toContainEqual(expect.objectContaining({ event: "witness.blooms-distrusted" }));
  await first.stop();

  await it.indexed();
  const second = it.witness();
  await second.until((status) => status.history === null && status.verifiedThrough === it.final);
  expect(second.status.source.bloom).toBe("distrusted");
  const { rows } = await it.pool.query(
    `select sum(headers)::int as headers, min(from_block)::int as first,
            sum(headers) filter (where bloom_blocks > 0 and to_block > ${HIDDEN - 1}) as by_bloom
     from witness.piece`,
  );
  expect(rows).toEqual([{ headers: it.final, first: 1, by_bloom: null }]);
});

test("an event that a wrong bloom hides is no phantom [G-22]", async () => {
  const { it } = await falseBlooms();
  await finalThrough(it, it.events, SHOWN - 1);
  const witness = it.witness({ looks: 1 });
  await witness.until(
    ({ verifiedThrough, history }) => verifiedThrough === SHOWN - 1 && history === null,
  );
  expect(witness.status.source.bloom).toBe("distrusted");
  expect(await it.findings()).toEqual([]);
});
