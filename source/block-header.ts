import { numberToHex } from "viem";
import type { Hex } from "../src/events/escrow-event.ts";
import { hex, wholeNumber } from "./chain-log.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** What the audit looks at in a block's header. */
export type BlockHeader = {
  number: number;
  hash: Hex;
  parentHash: Hex;
  /** Unix seconds. */
  timestamp: bigint;
  /** 256 bytes that tell which addresses and topics the block's logs may have. */
  logsBloom: Hex;
};

const WORD = /^0x[0-9a-f]{64}$/;

/**
 * Reads a block by its number, or the one that a tag names.
 *
 * @throws RpcProblem also when the endpoint has no such block after some attempts: it lags behind
 */
export async function readHeader(
  rpc: RpcEndpoint,
  block: number | "latest" | "finalized",
): Promise<BlockHeader> {
  const tag = typeof block === "number" ? numberToHex(block) : block;
  return await rpc.ask("eth_getBlockByNumber", [tag, false], {
    what: `of block ${block}`,
    // Not every endpoint knows the tag.
    ...(block === "finalized" ? { attempts: 2 } : {}),
    parse: (answer) => {
      const header = parseHeader(answer, block);
      if (typeof block === "number" && header.number !== block)
        throw new RpcProblem("transient", `it answered with block ${header.number}`);
      return header;
    },
  });
}

function parseHeader(answer: unknown, block: number | string): BlockHeader {
  if (answer === null || typeof answer !== "object")
    throw new RpcProblem("transient", `it has no block ${block}: it may lag behind`);
  const raw = answer as Record<string, unknown>;
  return {
    number: wholeNumber(raw.number, "number"),
    hash: hex(raw.hash, WORD, "hash"),
    parentHash: hex(raw.parentHash, WORD, "parentHash"),
    timestamp: BigInt(wholeNumber(raw.timestamp, "timestamp")),
    logsBloom: hex(raw.logsBloom, /^0x[0-9a-f]{512}$/, "logsBloom"),
  };
}
