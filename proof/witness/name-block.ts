import type { ChainSource } from "../../source/chain-source.ts";
import { RpcProblem } from "../../source/rpc-problem.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import { UnknownLayout } from "./proven-headers.ts";

/** The block that a chain has at a height, and who said so. */
export type NamedBlock = {
  hash: Hex;
  /** Hosts of the endpoints that named it. */
  namedBy: string[];
  /** How many of them belong to different providers, as far as their names tell. */
  independent: number;
  /** How many endpoints gave a block at all. */
  answered: number;
};

const TRIES = 3;

/**
 * Asks every endpoint for the block at a height. More than half of those that answer have to name
 * the same: a chain of hashes says nothing about whose chain it is.
 *
 * @throws UnknownLayout where no header can be proven; RpcProblem when nobody answers, or the
 *   endpoints are of different branches
 */
export async function nameBlock(source: ChainSource, number: number): Promise<NamedBlock> {
  for (let tried = 0; tried < TRIES; tried++) {
    const answers = (await source.blocksAt(number, true)).filter(({ isProven }) => isProven);
    if (answers.length === 0) continue;
    const byHash = Map.groupBy(answers, ({ block }) => block.hash.toLowerCase() as Hex);
    const [hash, named = []] = [...byHash].reduce((a, b) => (b[1].length > a[1].length ? b : a));
    if (2 * named.length <= answers.length)
      throw new RpcProblem(
        "transient",
        `chain ${source.chainId}: ${answers.length} endpoints name ${byHash.size} different blocks ${number}`,
      );
    const namedBy = named.map(({ host }) => host);
    return { hash, namedBy, independent: independentHosts(namedBy), answered: answers.length };
  }
  const { isProven } = await source.block({ number });
  if (!isProven) throw new UnknownLayout(source.chainId, number);
  throw new RpcProblem("transient", `chain ${source.chainId}: no endpoint names block ${number}`);
}

/** Hosts under one domain, or on one machine, are one provider. */
export function independentHosts(hosts: readonly string[]): number {
  return new Set(hosts.map(siteOf)).size;
}

function siteOf(host: string): string {
  const { hostname } = new URL(`http://${host}`);
  const isAddress = /^[\d.]+$|^\[/.test(hostname);
  return isAddress ? hostname : hostname.split(".").slice(-2).join(".");
}
