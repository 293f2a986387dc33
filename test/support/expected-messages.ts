import { type Abi, type Address, decodeEventLog, parseAbi, zeroAddress } from "viem";
import type { TestChain } from "./test-chain.ts";
import { FINAL_TOPIC } from "./test-world.ts";
import type { Received } from "./topic-recorder.ts";

/*
 * The messages that a chain's own logs call for, worked out here a second time: from signatures
 * written down by hand and nothing of the product.
 */

/** Fields after the common ones: name in the message, name in the ABI. */
type Fields = readonly (readonly [field: string, argument: string])[];
type Shape = { name: string; abi: Abi; fields: Fields };

const CREATED_A: Fields = [
  ["payer", "payer"],
  ["payee", "payee"],
  ["amount", "amount"],
  ["release_time", "releaseTime"],
  ["approvals_required", "approvalsRequired"],
];
const DEPLOYED_A: Fields = [
  ["escrow", "escrow"],
  ["payer", "payer"],
  ["payee", "payee"],
  ["amount", "amount"],
  ["release_delay", "releaseDelay"],
  ["approvals_required", "approvalsRequired"],
];

const SHAPES: Shape[] = [
  shape(
    "event EscrowCreated(address indexed payer, address indexed payee, uint256 amount, uint256 releaseTime, uint8 approvalsRequired)",
    CREATED_A,
  ),
  shape(
    "event EscrowCreated(address indexed payer, address indexed payee, address indexed arbiter, uint256 amount, uint256 releaseTime, uint8 approvalsRequired)",
    [...CREATED_A.slice(0, 2), ["arbiter", "arbiter"], ...CREATED_A.slice(2)],
  ),
  shape(
    "event EscrowDeployed(address indexed escrow, address indexed payer, address indexed payee, uint256 amount, uint256 releaseDelay, uint8 approvalsRequired)",
    DEPLOYED_A,
  ),
  shape(
    "event EscrowDeployed(address indexed escrow, address indexed payer, address indexed payee, address arbiter, uint256 amount, uint256 releaseDelay, uint8 approvalsRequired)",
    [...DEPLOYED_A.slice(0, 3), ["arbiter", "arbiter"], ...DEPLOYED_A.slice(3)],
  ),
  shape("event Approved(address indexed approver)", [["approver", "approver"]]),
  shape("event EscrowReleased(address indexed payee, uint256 amount, uint256 timestamp)", [
    ["payee", "payee"],
    ["amount", "amount"],
    ["timestamp", "timestamp"],
  ]),
  shape("event EscrowRefunded(address indexed payer, uint256 amount, uint256 timestamp)", [
    ["payer", "payer"],
    ["amount", "amount"],
    ["timestamp", "timestamp"],
  ]),
  shape("event ArbiterChanged(address indexed oldArbiter, address indexed newArbiter)", [
    ["old_arbiter", "oldArbiter"],
    ["new_arbiter", "newArbiter"],
  ]),
];

/** Of blocks, by their hash: they never change. */
const TIMESTAMPS = new WeakMap<TestChain, Map<string, bigint>>();

/** All messages that a chain calls for on a topic, in chain order. */
export async function expectedMessages(chain: TestChain, topic: string): Promise<Received[]> {
  const logs = await chain.client.getLogs({ fromBlock: 0n });
  const timestamps = TIMESTAMPS.get(chain) ?? new Map<string, bigint>();
  TIMESTAMPS.set(chain, timestamps);
  const sequences = new Map<string, number>();
  const messages: Received[] = [];
  for (const log of logs) {
    const decoded = decode(log);
    if (decoded === null) continue;
    const { name, args, fields } = decoded;
    if (!timestamps.has(log.blockHash)) {
      const block = await chain.client.getBlock({ blockHash: log.blockHash });
      timestamps.set(log.blockHash, block.timestamp);
    }
    const seconds = Number(timestamps.get(log.blockHash));
    const emitter = log.address.toLowerCase();
    const escrow = name === "EscrowDeployed" ? String(args.escrow).toLowerCase() : emitter;
    const id = `${chain.chainId}-${log.blockHash}-${log.logIndex}`;
    const orderingKey = `${chain.chainId}:${escrow}`;
    const sequence = (sequences.get(orderingKey) ?? 0) + 1;
    sequences.set(orderingKey, sequence);
    messages.push({
      orderingKey,
      body: JSON.stringify({
        event_id: id,
        event_type: name,
        schema_version: 1,
        chain_id: chain.chainId,
        contract_address: emitter,
        escrow_address: escrow,
        block_number: Number(log.blockNumber),
        block_hash: log.blockHash,
        block_timestamp: seconds,
        transaction_hash: log.transactionHash,
        log_index: log.logIndex,
        ...Object.fromEntries(fields.map(([field, argument]) => [field, json(args[argument])])),
      }),
      attributes: {
        event_id: id,
        event_type: name,
        chain_id: String(chain.chainId),
        escrow_address: escrow,
        sequence: String(sequence),
        publication: topic,
        finality: topic === FINAL_TOPIC ? "final" : "provisional",
        "ce-specversion": "1.0",
        "ce-id": id,
        "ce-source": `/chains/${chain.chainId}/contracts/${emitter}`,
        "ce-type": `escrow.${name}.v1`,
        "ce-subject": escrow,
        "ce-time": `${new Date(seconds * 1000).toISOString().slice(0, 19)}.000Z`,
      },
    });
  }
  return messages;
}

/** Ids of all events of a chain, in chain order. */
export async function expectedIds(chain: TestChain): Promise<string[]> {
  const messages = await expectedMessages(chain, FINAL_TOPIC);
  return messages.map(({ attributes }) => attributes.event_id ?? "");
}

/** Every escrow that was ever created on a chain, in the order of creation. */
export async function escrowsOn(chain: TestChain): Promise<Address[]> {
  const messages = await expectedMessages(chain, FINAL_TOPIC);
  return messages
    .filter(({ attributes }) => attributes.event_type === "EscrowCreated")
    .map(({ attributes }) => (attributes.escrow_address ?? zeroAddress) as Address);
}

type Log = { topics: readonly unknown[]; data: `0x${string}` };
type Decoded = { name: string; args: Record<string, unknown>; fields: Fields };

/** By trying every signature: revisions differ in topic 0, and a wrong one does not decode. */
function decode(log: Log): Decoded | null {
  for (const { name, abi, fields } of SHAPES) {
    try {
      const topics = log.topics as [`0x${string}`];
      const { args } = decodeEventLog({ abi, topics, data: log.data, strict: true });
      return { name, args: args as unknown as Record<string, unknown>, fields };
    } catch {
      // Another signature's.
    }
  }
  return null;
}

function json(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return typeof value === "string" ? value.toLowerCase() : value;
}

function shape(signature: string, fields: Fields): Shape {
  return { name: /event (\w+)/.exec(signature)?.[1] ?? "", abi: parseAbi([signature]), fields };
}
