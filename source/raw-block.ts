import type { Hex } from "../src/events/escrow-event.ts";
import { hex, wholeNumber } from "./chain-log.ts";
import { proveHeader } from "./header-hash.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** A block as JSON-RPC has it, checked: all that a node sent is still there. */
export type RawBlock = Record<string, unknown> & {
  hash: Hex;
  parentHash: Hex;
  number: Hex;
  timestamp: Hex;
  logsBloom: Hex;
};

/** What was asked for: a number, a tag, or a hash. */
export type BlockQuestion =
  | { number: number }
  | { tag: "latest" | "safe" | "finalized" }
  | { hash: Hex };

/** Whether the header's fields make its hash, or no layout that is known has them. */
export type CheckedBlock = { block: RawBlock; isProven: boolean };

const WORD = /^0x[0-9a-f]{64}$/;

/**
 * Checks that an answer is the block that was asked for, and that its header makes its hash.
 *
 * @throws RpcProblem `transient` when the node has no such block, `lie` when it is another one
 */
export function checkBlock(answer: unknown, asked: BlockQuestion): CheckedBlock {
  if (answer === null || typeof answer !== "object")
    throw new RpcProblem("transient", "it has no such block: it may lag behind");
  const raw = answer as Record<string, unknown>;
  const number = wholeNumber(raw.number, "number");
  const hash = hex(raw.hash, WORD, "hash");
  hex(raw.parentHash, WORD, "parentHash");
  hex(raw.logsBloom, /^0x[0-9a-f]{512}$/, "logsBloom");
  wholeNumber(raw.timestamp, "timestamp");
  if ("number" in asked && asked.number !== number)
    throw new RpcProblem("lie", `it answered with block ${number}`);
  if ("hash" in asked && asked.hash.toLowerCase() !== hash)
    throw new RpcProblem("lie", `it answered with block ${hash}`);
  return { block: raw as RawBlock, isProven: proveHeader(raw) === "proven" };
}
