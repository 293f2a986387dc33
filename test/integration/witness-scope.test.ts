import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { auditedChain } from "../audit/audited-chain.ts";
import { HttpAnswer } from "../lies/lying-node.ts";
import { relayLook } from "../support/relay-look.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { WitnessBed, type WitnessScene } from "../witness/witness-bed.ts";

/* What the final publication gets when something else begins to be followed: witness and capture. */

const bed = new WitnessBed();
beforeAll(() => bed.start());
afterEach(() => bed.endTest());
afterAll(() => bed.stop());

const FINAL = { topic: "settlement.events.v1", finality: "finalized" } as const;
const GATED = { isOn: true, except: [] };

const ids = (events: readonly EscrowEvent[]) => events.map(({ id }) => id).toSorted();

test("older events of a newly followed factory are published when they are proven, each key in its order, and none before [G-22]", async () => {
  const it = await bed.scene(auditedChain("another scope", { blocks: 20, deals: 8 }));
  const final = it.events.filter(({ blockNumber }) => blockNumber <= it.final);
  const ofA = final.filter(({ revision }) => revision === "A");
  const published = Math.max(...ofA.map(({ blockNumber }) => blockNumber)) - 1;
  const isOld = ({ blockNumber }: EscrowEvent) => blockNumber <= published;
  expect(final.filter(isOld).length).toBeGreaterThan(ofA.length);
  const look = await relayLook(it.db, FINAL, GATED);
  await it.indexed(it.events.filter(({ revision }) => revision === "A"));
  const before = it.witness({ revisions: ["A"] });
  await before.until(({ verifiedThrough }) => verifiedThrough === it.final);
  expect((await look()).toSorted()).toEqual(ids(ofA));
  await before.stop();

  const next = await StandInDeployment.create(it.pool, "escrow_both");
  await it.indexed(it.events, next);
  hideHistory(it, published);
  const witness = it.witness();
  await witness.until(
    ({ deployment, verifiedThrough }) => deployment === next.schema && verifiedThrough === it.final,
  );
  expect(witness.status.history).toMatchObject({ to: published });
  expect((await look()).toSorted()).toEqual(ids(ofA));

  for (const node of it.nodes) node.lie = (_, truth) => truth;
  await witness.until(
    ({ history, verifiedThrough }) => history === null && verifiedThrough === it.final,
  );
  const told = await look();
  expect(told.toSorted()).toEqual(ids(final));
  for (const stream of new Set(final.map((event) => event.stream))) {
    const inOrder = final.filter((event) => event.stream === stream).map(({ id }) => id);
    expect(told.filter((id) => inOrder.includes(id))).toEqual(inOrder);
  }
});

/** Nobody gives the blocks up to that one. */
function hideHistory({ nodes }: WitnessScene, through: number): void {
  for (const node of nodes)
    node.lie = ({ method, params }, truth) => {
      if (method === "eth_getBlockByNumber" && Number(params[0]) <= through)
        throw new HttpAnswer(null);
      return truth;
    };
}
