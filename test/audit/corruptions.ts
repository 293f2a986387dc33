import { keccak256, toHex } from "viem";
import type { FindingKind } from "../../proof/audit/finding.ts";
import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import type { EventType } from "../../src/events/event-catalogue.ts";
import { FACTORIES } from "../forks/deal.ts";
import type { SimulatedChain } from "../forks/simulated-chain.ts";
import type { TransactionLog } from "../forks/transaction.ts";
import type { AuditScene } from "./audit-bed.ts";
import { auditedChain, transactionWith } from "./audited-chain.ts";

/** What an audit has to say of a corruption: the kind of finding and the ids, blocks or topics. */
export type Expected = { kind: FindingKind | "unknown"; names: string[] }[];

/** Something that is wrong between the chain and the event store, which the audit has to find. */
export type ChainSideCorruption = {
  name: string;
  /** The chain to begin with, where it takes one of its own. */
  chain?: () => SimulatedChain;
  /** Does the damage. */
  plant: (scene: AuditScene) => Promise<Expected>;
};

const TABLE = "escrow_standin.event";
/** The older relayer of this system waited for this one and never saw a release. */
const RENAMED = keccak256(toHex("EscrowPaidOut(address,uint256)"));
const BUSY_BLOCK = 40;

/** The corruptions that only the chain can show. `docs/reference/checks.md` lists them. */
export const CHAIN_SIDE_CORRUPTIONS: readonly ChainSideCorruption[] = [
  {
    name: "a deleted event row",
    plant: async (scene) => {
      const { id } = pick(scene, "Approved");
      await scene.pool.query(`delete from ${TABLE} where id = $1`, [id]);
      return [{ kind: "missing", names: [id] }];
    },
  },
  {
    name: "a missing child: an escrow without any event",
    plant: async (scene) => {
      const { stream } = pick(scene, "EscrowReleased");
      await scene.pool.query(`delete from ${TABLE} where stream = $1`, [stream]);
      return [{ kind: "missing", names: idsOf(scene, (event) => event.stream === stream) }];
    },
  },
  {
    name: "a skipped block: none of its events",
    plant: async (scene) => {
      const { blockNumber } = pick(scene, "EscrowDeployed");
      await scene.pool.query(`delete from ${TABLE} where block_number = $1`, [blockNumber]);
      return [{ kind: "missing", names: idsOf(scene, isOfBlock(blockNumber)) }];
    },
  },
  {
    name: "a block that the endpoint skips as well when it is asked for a range",
    plant: async (scene) => {
      const { blockNumber } = pick(scene, "EscrowDeployed");
      await scene.pool.query(`delete from ${TABLE} where block_number = $1`, [blockNumber]);
      scene.provider.tells = ({ number, logs }, { blockHash }) =>
        number === blockNumber && blockHash === undefined ? [] : logs;
      const names = idsOf(scene, isOfBlock(blockNumber));
      return [
        { kind: "missing", names },
        { kind: "inconsistent", names },
      ];
    },
  },
  {
    name: "a block of which the endpoint gives no log at all",
    plant: async (scene) => {
      const { blockNumber } = pick(scene, "EscrowReleased");
      await scene.pool.query(`delete from ${TABLE} where block_number = $1`, [blockNumber]);
      scene.provider.tells = ({ number, logs }) => (number === blockNumber ? [] : logs);
      return [{ kind: "inconsistent", names: [`block ${blockNumber}`] }];
    },
  },
  {
    name: "an invented event",
    plant: async (scene) => {
      const event = pick(scene, "Approved");
      const id = `${event.chainId}-${event.blockHash}-999`;
      await copyRow(scene, event, { id, log_index: 999 });
      return [{ kind: "too-much", names: [id] }];
    },
  },
  {
    name: "an event of another block: a wrong block hash",
    plant: async (scene) => {
      const { id, chainId, logIndex } = pick(scene, "EscrowReleased");
      const hash = keccak256(toHex("another block"));
      const other = `${chainId}-${hash}-${logIndex}`;
      await scene.pool.query(`update ${TABLE} set id = $1, block_hash = $2 where id = $3`, [
        other,
        hash,
        id,
      ]);
      return [
        { kind: "missing", names: [id] },
        { kind: "too-much", names: [other] },
      ];
    },
  },
  {
    name: "a changed payload",
    plant: async (scene) => changed(scene, `payload = payload || '{"amount": "1"}'`),
  },
  {
    name: "an event of another emitter",
    plant: async (scene) => changed(scene, `emitter = '${FACTORIES.A}'`),
  },
  {
    name: "an event of another transaction",
    plant: async (scene) => changed(scene, `transaction_hash = block_hash`),
  },
  {
    name: "an event at another position",
    plant: async (scene) => changed(scene, `position = reverse(position)`),
  },
  {
    name: "an event under another block number",
    plant: async (scene) => changed(scene, "block_number = 3"),
  },
  {
    name: "a renamed event: a signature that no ABI names",
    chain: () => auditedChainWith((escrow) => [logOf(escrow, [RENAMED])]),
    plant: async () => [{ kind: "unknown", names: [RENAMED] }],
  },
  {
    name: "an event without a signature",
    chain: () => auditedChainWith((escrow) => [logOf(escrow, [])]),
    plant: async () => [{ kind: "unknown", names: ["anonymous"] }],
  },
  {
    name: "a log of a signature of ours that does not decode",
    chain: () =>
      auditedChainWith((escrow) => [logOf(escrow, [keccak256(toHex("Approved(address)"))])]),
    plant: async ({ chain }) => {
      const block = chain.at(BUSY_BLOCK);
      const index = block.logs.findIndex(
        ({ topics, fact }) => fact === null && topics.length === 1,
      );
      return [{ kind: "undecodable", names: [`${chain.chainId}-${block.hash}-${index}`] }];
    },
  },
  {
    name: "an event from before the first block",
    plant: async (scene) => {
      const event = pick(scene, "Approved");
      const id = `${event.chainId}-${event.blockHash}-998`;
      await copyRow(scene, event, { id, block_number: 0 });
      return [{ kind: "too-much", names: [id] }];
    },
  },
];

/** A chain on which an escrow logs something else as well. */
function auditedChainWith(logs: (escrow: Hex) => TransactionLog[]): SimulatedChain {
  const seed = "corrupted";
  const facts = auditedChain(seed).canonical.flatMap((block) => block.logs);
  const escrow = facts.find(({ fact }) => fact !== null)?.fact?.escrow;
  if (escrow === undefined) throw new Error("nothing happened on the chain");
  return auditedChain(seed, {
    more: [{ block: BUSY_BLOCK, transaction: transactionWith("more", logs(escrow)) }],
  });
}

function logOf(address: Hex, topics: Hex[]): TransactionLog {
  return { address, topics, data: "0x", fact: null };
}

async function changed(scene: AuditScene, assignment: string): Promise<Expected> {
  const { id } = pick(scene, "EscrowReleased");
  await scene.pool.query(`update ${TABLE} set ${assignment} where id = $1`, [id]);
  return [{ kind: "differing", names: [id] }];
}

async function copyRow(
  { pool }: AuditScene,
  { id }: EscrowEvent,
  changes: Record<string, unknown>,
): Promise<void> {
  await pool.query(
    `insert into ${TABLE}
     select (jsonb_populate_record(e, $2)).* from ${TABLE} e where e.id = $1`,
    [id, JSON.stringify(changes)],
  );
}

/** One from the middle of the chain. */
function pick({ events }: AuditScene, type: EventType): EscrowEvent {
  const all = events.filter((event) => event.type === type);
  const picked = all[Math.floor(all.length / 2)];
  if (picked === undefined) throw new Error(`no ${type} on this chain`);
  return picked;
}

function idsOf({ events }: AuditScene, isMeant: (event: EscrowEvent) => boolean): string[] {
  return events.filter(isMeant).map(({ id }) => id);
}

function isOfBlock(block: number): (event: EscrowEvent) => boolean {
  return ({ blockNumber }) => blockNumber === block;
}
