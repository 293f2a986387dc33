import { numberToHex } from "viem";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import type { EventType } from "../../src/events/event-catalogue.ts";
import { auditedChain } from "../audit/audited-chain.ts";
import { HttpAnswer, type LyingNode } from "../lies/lying-node.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { WitnessBed, type WitnessScene } from "../witness/witness-bed.ts";

/* One chain: what its witness proves, what it finds, and when it moves the gate. */

const bed = new WitnessBed();
beforeAll(() => bed.start());
afterEach(() => bed.endTest());
afterAll(() => bed.stop());

const scene = (nodes = 1) => bed.scene(auditedChain("witnessed", { blocks: 20, deals: 6 }), nodes);

/** One from the middle of the chain. */
function pick({ events, final }: WitnessScene, type: EventType = "EscrowReleased"): EscrowEvent {
  const all = events.filter((event) => event.type === type && event.blockNumber <= final);
  const picked = all[Math.floor(all.length / 2)];
  if (picked === undefined) throw new Error(`no ${type} on this chain`);
  return picked;
}

const cutOff: LyingNode["lie"] = () => {
  throw new HttpAnswer(null);
};

test("a complete history is verified up to the final block [G-22]", async () => {
  const it = await scene();
  const witness = it.witness();
  const status = await witness.until(({ verifiedThrough }) => verifiedThrough === it.final);
  expect(status).toMatchObject({ basis: "proof", findings: [], heldReason: null, problem: null });
  expect(status.namedBy).toMatchObject({ endpoints: 1, independent: 1 });
  expect(await it.verified()).toBe(it.final);
  const { rows } = await it.pool.query(
    "select sum(events)::int as events, sum(headers)::int as headers from witness.piece",
  );
  const events = it.events.filter(({ blockNumber }) => blockNumber <= it.final).length;
  expect(rows).toEqual([{ events, headers: it.final }]);
});

const FAULTS: { kind: string; name: string; sql: string; id?: (id: string) => string }[] = [
  { kind: "hole", name: "a hole", sql: "delete from escrow_standin.event where id = $1" },
  {
    kind: "phantom",
    name: "a phantom",
    sql: `insert into escrow_standin.event
          select (jsonb_populate_record(e, jsonb_build_object('id', e.id || '9', 'log_index', 999))).*
          from escrow_standin.event e where e.id = $1`,
    id: (id) => `${id}9`,
  },
  {
    kind: "differs",
    name: "another amount",
    sql: `update escrow_standin.event set payload = payload || '{"amount": "1"}' where id = $1`,
  },
  {
    kind: "differs",
    name: "another message in the outbox",
    sql: "update escrow_standin.outbox set body = replace(body, '0', '1') where event_id = $1",
  },
  {
    kind: "phantom",
    name: "a message of no event",
    sql: `insert into escrow_standin.outbox
          select (jsonb_populate_record(o, jsonb_build_object(
            'event_id', o.event_id || '9', 'position', left(o.position, 74) || '7'))).*
          from escrow_standin.outbox o where o.event_id = $1`,
    id: (id) => `${id}9`,
  },
];

describe("The gate stands right before", () => {
  test.each(FAULTS)(
    "$name, which is named, and goes on when it is healed [G-22]",
    async (fault) => {
      const it = await scene();
      const event = pick(it);
      await it.pool.query(fault.sql, [event.id]);
      const witness = it.witness();
      const eventId = fault.id?.(event.id) ?? event.id;
      const { findings } = await witness.until(({ heldReason }) => heldReason !== null);
      expect(findings).toMatchObject([{ kind: fault.kind, eventId, block: event.blockNumber }]);
      expect(await it.verified()).toBe(event.blockNumber - 1);
      expect(it.log).toContainEqual(
        expect.objectContaining({ event: "witness.finding", code: "ES-WITNESS-DIFFERS", eventId }),
      );
      await it.indexed();
      await witness.until(({ verifiedThrough }) => verifiedThrough === it.final);
      expect(await it.findings()).toEqual([
        { kind: fault.kind, event_id: eventId, isHealed: true, basis: "proof", isWithdrawn: false },
      ]);
    },
  );
});

test("rows that are gone for a look, and back at the next, are no finding [G-22]", async () => {
  const it = await scene();
  await it.pool.query("delete from escrow_standin.event where id = $1", [pick(it).id]);
  const witness = it.witness({ lookEveryMs: 2_000 });
  await witness.until(({ provenThrough }) => provenThrough === it.final);
  await it.indexed();
  await witness.until(({ verifiedThrough }) => verifiedThrough === it.final);
  expect(await it.findings()).toEqual([]);
});

test("nothing is compared while the engine is catching up [G-22]", async () => {
  const it = await scene();
  await it.indexed([]);
  await it.pool.query("insert into escrow._engine_start values ('escrow_standin', false, now())");
  const witness = it.witness({ looks: 1 });
  await witness.until(({ provenThrough }) => provenThrough === it.final);
  expect(witness.status).toMatchObject({ verifiedThrough: 0, findings: [] });
  await it.indexed();
  await it.pool.query("update escrow._engine_start set is_settled = true");
  await witness.until(({ verifiedThrough }) => verifiedThrough === it.final);
  expect(await it.findings()).toEqual([]);
});

test("a node alone that hides what the event store lacks cannot move the gate over it [G-22]", async () => {
  const it = await scene();
  const { id, blockNumber, logIndex } = pick(it);
  await it.pool.query("delete from escrow_standin.event where id = $1", [id]);
  await it.pool.query("delete from escrow_standin.outbox where event_id = $1", [id]);
  const isHidden = (log: { blockNumber: string; logIndex: string }) =>
    Number(log.blockNumber) === blockNumber && Number(log.logIndex) === logIndex;
  const [node] = it.nodes as [LyingNode];
  node.lie = ({ method }, truth) => {
    if (method === "eth_getLogs") return (truth as never[]).filter((log) => !isHidden(log));
    if (method !== "eth_getBlockReceipts") return truth;
    return (truth as { logs: never[] }[]).map((receipt) => ({
      ...receipt,
      logs: receipt.logs.filter((log) => !isHidden(log)),
    }));
  };
  const witness = it.witness({ looks: 1 });
  await witness.until(({ problem }) => problem?.includes("do not give the root") ?? false);
  expect(await it.verified()).toBeLessThan(blockNumber);
  node.lie = (_, truth) => truth;
  await witness.until(({ heldReason }) => heldReason === `hole ${id} in block ${blockNumber}`);
  expect(await it.verified()).toBe(blockNumber - 1);
});

test("the chain's own finalized block is waited for, also after a moment without an answer", async () => {
  const it = await scene();
  const [node] = it.nodes as [LyingNode];
  let finalized = 25;
  node.lie = ({ method, params }, truth) =>
    method === "eth_getBlockByNumber" && params[0] === "finalized"
      ? node.truth(method, [numberToHex(finalized), false])
      : truth;
  const first = it.witness();
  await first.until(({ verifiedThrough }) => verifiedThrough === 25);
  await first.stop();
  // Nobody answers for the tag any more: that is no chain without one.
  node.lie = ({ params }, truth) => (params[0] === "finalized" ? null : truth);
  const second = it.witness();
  await second.until(({ verifiedThrough }) => verifiedThrough === 25);
  const asked = () => node.calls.filter(({ params }) => params[0] === "finalized").length;
  const before = asked();
  await second.until(() => asked() > before + 8);
  expect(second.status.verifiedThrough).toBe(25);
  finalized = it.chain.head.number;
  node.lie = ({ method, params }, truth) =>
    params[0] === "finalized" ? node.truth(method, [numberToHex(finalized), false]) : truth;
  await second.until(({ verifiedThrough }) => verifiedThrough === it.final);
});

describe("Of what endpoints call final", () => {
  const callsFinal = (node: LyingNode, block: number): void => {
    node.lie = ({ params }, truth) =>
      params[0] === "finalized"
        ? node.truth("eth_getBlockByNumber", [numberToHex(block), false])
        : truth;
  };

  test("what more than half of them do counts: nobody runs ahead alone, nor holds the others back [G-22]", async () => {
    const it = await scene(3);
    const [ahead, behind, honest] = it.nodes as [LyingNode, LyingNode, LyingNode];
    callsFinal(ahead, it.chain.head.number);
    callsFinal(behind, 1);
    callsFinal(honest, 10);
    const witness = it.witness();
    const { finalizedBy } = await witness.until(({ verifiedThrough }) => verifiedThrough === 10);
    expect(finalizedBy.map(({ block }) => block)).toEqual([it.chain.head.number, 10, 1]);
    expect(witness.status.heldReason).toContain("endpoints differ in which block is final");
    callsFinal(honest, it.final);
    await witness.until(({ verifiedThrough }) => verifiedThrough === it.final);
    expect(witness.status.heldReason).toBe(null);
  });

  test("the lower of two counts, which is said [G-22]", async () => {
    const it = await scene(2);
    const [ahead, behind] = it.nodes as [LyingNode, LyingNode];
    callsFinal(ahead, it.chain.head.number);
    callsFinal(behind, 5);
    const witness = it.witness();
    const { heldReason } = await witness.until(({ verifiedThrough }) => verifiedThrough === 5);
    expect(heldReason).toContain(`${new URL(behind.url).host} 5`);
  });
});

test("a witness that starts again goes on where the last one was", async () => {
  const it = await scene();
  const half = 30;
  const { chainId, head } = it.chain;
  await it.deployment.holds(it.events, [{ chainId, latest: head.number, finalized: half }]);
  const first = it.witness();
  await first.until(({ verifiedThrough }) => verifiedThrough === half);
  await first.stop();
  const [node] = it.nodes as [LyingNode];
  node.calls.splice(0);
  await it.indexed();
  const second = it.witness();
  await second.until(({ verifiedThrough }) => verifiedThrough === it.final);
  const asked = node.calls
    .filter(({ method }) => method === "eth_getBlockByNumber")
    .map(({ params }) => Number(params[0]))
    .filter((block) => !Number.isNaN(block));
  expect(Math.min(...asked)).toBe(half + 1);
});

test("of two witnesses one is at work, and the other goes on when it ends", async () => {
  const it = await scene();
  const { chainId, head } = it.chain;
  await it.deployment.holds(it.events, [{ chainId, latest: head.number, finalized: 30 }]);
  const two = [it.witness(), it.witness()];
  const [first] = two as [(typeof two)[0]];
  await Promise.race(two.map((each) => each.until((status) => status.verifiedThrough === 30)));
  expect(two.filter(({ status }) => status.isAtWork).length).toBe(1);
  const [atWork, other] = first.status.isAtWork ? two : [...two].reverse();
  await atWork?.stop();
  await it.indexed();
  await other?.until(({ verifiedThrough }) => verifiedThrough === it.final);
});

describe("A new deployment", () => {
  test("with the same rows is verified while no node answers [G-22]", async () => {
    const it = await scene();
    const witness = it.witness();
    await witness.until(({ verifiedThrough }) => verifiedThrough === it.final);
    for (const node of it.nodes) node.lie = cutOff;
    const next = await StandInDeployment.create(it.pool, "escrow_next");
    await it.indexed(it.events, next);
    await witness.until(
      ({ deployment, verifiedThrough }) =>
        deployment === "escrow_next" && verifiedThrough === it.final,
    );
    expect(await it.verified("escrow_next")).toBe(it.final);
  });

  test("with other rows is held before the first of them [G-22]", async () => {
    const it = await scene();
    const witness = it.witness();
    await witness.until(({ verifiedThrough }) => verifiedThrough === it.final);
    const { id, blockNumber } = pick(it);
    const next = await StandInDeployment.create(it.pool, "escrow_next");
    await it.indexed(
      it.events.filter((event) => event.id !== id),
      next,
    );
    await witness.until(({ heldReason }) => heldReason === `hole ${id} in block ${blockNumber}`);
    expect(await it.verified("escrow_next")).toBe(blockNumber - 1);
    expect(await it.verified()).toBe(it.final);
  });
});

describe("A header layout that is not known", () => {
  const newField: LyingNode["lie"] = ({ method }, truth) =>
    method.startsWith("eth_getBlockBy") && truth
      ? { ...(truth as object), gasLimit: "0x1" }
      : truth;

  test("makes the chain fall back to what the configuration allows, with an alert", async () => {
    const it = await scene(3);
    for (const node of it.nodes) node.lie = newField;
    const witness = it.witness({ rules: ["verified", { agree: 2 }] });
    const status = await witness.until(({ verifiedThrough }) => verifiedThrough === it.final);
    expect(status.basis).toBe("agree:2");
    expect(it.log).toContainEqual(expect.objectContaining({ code: "ES-WITNESS-UNPROVABLE" }));
  });

  test("does not let a hole through where endpoints have to agree [G-22]", async () => {
    const it = await scene(3);
    for (const node of it.nodes) node.lie = newField;
    const { id, blockNumber } = pick(it);
    await it.indexed(it.events.filter((event) => event.id !== id));
    const witness = it.witness({ rules: ["verified", { agree: 2 }] });
    await witness.until(({ heldReason }) => heldReason === `hole ${id} in block ${blockNumber}`);
    expect(await it.verified()).toBe(blockNumber - 1);
    expect(await it.findings()).toMatchObject([{ kind: "hole", basis: "agree:2" }]);
  });

  test("falls back to the engine's word where that is allowed", async () => {
    const it = await scene(1);
    for (const node of it.nodes) node.lie = newField;
    const witness = it.witness({ rules: ["verified", "trust"] });
    const status = await witness.until(({ verifiedThrough }) => verifiedThrough === it.final);
    expect(status.basis).toBe("trust");
  });

  test("stands still where nothing else is allowed [G-22]", async () => {
    const it = await scene();
    for (const node of it.nodes) node.lie = newField;
    const witness = it.witness({ rules: ["verified"] });
    await witness.until(({ problem }) => problem?.includes("no known header layout") ?? false);
    expect(await it.verified()).toBe(0);
  });
});

describe("Endpoints of another branch", () => {
  const branch = (it: WitnessScene, node: LyingNode): void => {
    const other = auditedChain("another branch", { blocks: 20, deals: 1 }).at(it.final);
    node.lie = ({ method, params }, truth) =>
      method === "eth_getBlockByNumber" && Number(params[0]) === it.final
        ? { ...other.header, transactions: [] }
        : truth;
  };

  test("are outvoted by the others [G-22]", async () => {
    const it = await scene(3);
    branch(it, it.nodes[0] as LyingNode);
    const witness = it.witness();
    const status = await witness.until(({ verifiedThrough }) => verifiedThrough === it.final);
    expect(status.namedBy?.hosts.length).toBe(2);
  });

  test("leave open which the chain is when there are as many of one as of the other [G-22]", async () => {
    const it = await scene(2);
    branch(it, it.nodes[0] as LyingNode);
    const witness = it.witness();
    await witness.until(({ problem }) => problem?.includes("different blocks") ?? false);
    expect(await it.verified()).toBeLessThan(it.final);
  });
});

describe("History that was published before there was a witness", () => {
  const PUBLISHED = 13;

  async function published(): Promise<WitnessScene> {
    const it = await scene();
    await it.pool.query(
      `insert into relay.publication (topic, finality) values ('settlement.events.v1', 'finalized')`,
    );
    await it.pool.query(
      `insert into relay.message (publication_id, ordering_key, sequence, event_id, chain_id,
         block_number, block_hash, position, body, source_attributes)
       select 1, 'key', 1, 'event', $1, $2, '0x', '', '', '{}'`,
      [it.chain.chainId, PUBLISHED],
    );
    return it;
  }

  test("is not held back, and is proven beside what is new", async () => {
    const it = await published();
    const witness = it.witness();
    const status = await witness.until(
      ({ verifiedThrough, history }) => verifiedThrough === it.final && history === null,
    );
    expect(status.findings).toEqual([]);
    const { rows } = await it.pool.query(
      `select from_block::int as from, to_block::int as to from witness.piece order by proven_at`,
    );
    // The newest published block may have been published in part.
    expect(rows[0]?.from).toBe(PUBLISHED);
    expect(Math.min(...rows.map(({ from }) => from))).toBe(1);
    const { rows: children } = await it.pool.query(
      "select count(*)::int as unproven from witness.child where not is_proven",
    );
    expect(children).toEqual([{ unproven: 0 }]);
  });

  test("with a hole in it is named, and what is new goes on", async () => {
    const it = await published();
    const old = it.events.filter(({ blockNumber }) => blockNumber < PUBLISHED);
    const approval = old.find(({ type }) => type === "Approved");
    await it.indexed(it.events.filter(({ id }) => id !== approval?.id));
    const witness = it.witness();
    await witness.until(
      ({ findings, verifiedThrough }) => findings.length > 0 && verifiedThrough === it.final,
    );
    expect(witness.status.findings).toMatchObject([{ kind: "hole", eventId: approval?.id }]);
  });

  test("that announces an escrow which the event store lacks has all behind it proven again [G-22]", async () => {
    const it = await published();
    const late = fromBothSides(it);
    await it.indexed(it.events.filter(({ stream }) => stream !== late.stream));
    const witness = it.witness();
    const behind = it.events.filter(isBehind(late.stream));
    await witness.until(({ findings }) =>
      behind.every(({ id }) => findings.some(({ eventId }) => eventId === id)),
    );
    expect(await it.verified()).toBe((behind[0]?.blockNumber ?? 0) - 1);
  });

  test("and announces an escrow that was not known, makes no phantoms of what that one logs", async () => {
    const it = await published();
    const { stream, id } = fromBothSides(it);
    await it.indexed(it.events.filter((event) => event.id !== id));
    const [node] = it.nodes as [LyingNode];
    node.lie = ({ method, params }, truth) =>
      method === "eth_getBlockByNumber" && Number(params[0]) < PUBLISHED
        ? cutOff({ id: 0, method, params }, truth, node)
        : truth;
    const witness = it.witness({ looks: 1 });
    const { findings } = await witness.until(({ heldReason }) => heldReason !== null);
    const seeming = it.events.filter(isBehind(stream)).map((event) => event.id);
    expect(findings.map(({ kind, eventId }) => `${kind} ${eventId}`)).toEqual(
      seeming.map((each) => `phantom ${each}`),
    );
    // Nobody retracts anything for it: it may be of an escrow that is not known yet.
    expect((await it.findings()).map(({ basis }) => basis)).toEqual(seeming.map(() => "trust"));
    node.lie = (_, truth) => truth;
    await witness.until(
      ({ verifiedThrough, history }) => verifiedThrough === it.final && history !== null,
    );
    const found = await it.findings();
    const phantoms = found.filter(({ kind }) => kind === "phantom");
    expect(phantoms.map(({ isWithdrawn }) => isWithdrawn)).toEqual(seeming.map(() => true));
    expect(found.filter(({ isHealed }) => !isHealed)).toMatchObject([
      { kind: "hole", event_id: id },
    ]);
  });

  const isBehind =
    (stream: string) =>
    (event: EscrowEvent): boolean =>
      event.stream === stream && event.blockNumber >= PUBLISHED;

  /** The announcement of an escrow that has events before the gate and behind it. */
  function fromBothSides({ events }: WitnessScene): EscrowEvent {
    const found = events.find(
      ({ type, blockNumber, stream }) =>
        type === "EscrowDeployed" && blockNumber < PUBLISHED && events.some(isBehind(stream)),
    );
    if (found === undefined) throw new Error("no escrow lives on both sides");
    return found;
  }
});
