import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { encodeFunctionData, numberToHex, padHex } from "viem";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import type { LogFilter } from "../support/log-filter.ts";
import { arbiterAt } from "./arbiter-at.ts";
import { blockJson, logJson, receiptJson } from "./block-json.ts";
import type { ChainNode } from "./chain-node.ts";
import type { Block, BlockLog } from "./simulated-chain.ts";

type Request = { id: number; method: string; params?: unknown[] };
const ARBITER = encodeFunctionData({ abi: escrowAAbi, functionName: "arbiter" });
/** What geth says of the logs of a block that it has never heard of. */
class UnknownBlock extends Error {
  readonly code = -32_000;
}

/**
 * Serves Ethereum's JSON-RPC for nodes of simulated chains, as far as an indexer asks: each node
 * under a path of its own.
 */
export class ChainSimulator {
  readonly #nodes: readonly ChainNode[];
  readonly #server: Server;
  #heldBack: Promise<void> | null = null;
  #onHeld: () => void = () => undefined;

  private constructor(nodes: readonly ChainNode[]) {
    this.#nodes = nodes;
    this.#server = createServer((request, response) => {
      void this.#serve(request).then((answer) => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(answer));
      });
    });
  }

  static async start(nodes: readonly ChainNode[]): Promise<ChainSimulator> {
    const simulator = new ChainSimulator(nodes);
    simulator.#server.listen(0, "127.0.0.1");
    await once(simulator.#server, "listening");
    return simulator;
  }

  urlOf(node: ChainNode): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${this.#nodes.indexOf(node)}`;
  }

  /**
   * Lets questions for the logs of a range of blocks wait: so a backfill can be caught in the
   * middle.
   *
   * @returns `asked` resolves with the first such question; `goOn` answers all of them
   */
  holdBackfill(): { asked: Promise<void>; goOn: () => void } {
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    this.#heldBack = held.promise;
    this.#onHeld = asked.resolve;
    return {
      asked: asked.promise,
      goOn: () => {
        this.#heldBack = null;
        held.resolve();
      },
    };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage): Promise<unknown> {
    const node = this.#nodes[Number(request.url?.slice(1))];
    const body = (await json(request)) as Request | Request[];
    if (node === undefined) return { error: { code: -32_600, message: "no such node" } };
    return Array.isArray(body)
      ? Promise.all(body.map((each) => this.#answer(node, each)))
      : this.#answer(node, body);
  }

  async #answer(node: ChainNode, { id, method, params = [] }: Request): Promise<unknown> {
    try {
      if (method === "eth_getLogs" && !(params[0] as LogFilter).blockHash && this.#heldBack) {
        this.#onHeld();
        await this.#heldBack;
      }
      return { jsonrpc: "2.0", id, result: answerOf(node, method, params) };
    } catch (error) {
      const { code = -32_603, message } = error as { code?: number; message: string };
      return { jsonrpc: "2.0", id, error: { code, message } };
    }
  }
}

function answerOf(node: ChainNode, method: string, params: unknown[]): unknown {
  const [first, second] = params;
  switch (method) {
    case "eth_chainId":
      return numberToHex(node.chain.chainId);
    case "eth_blockNumber":
      return numberToHex(node.head.number);
    case "eth_getCode":
      return "0x60";
    case "eth_getBlockByNumber": {
      const block = first === "latest" ? node.head : node.blocks[Number(first)];
      return block === undefined ? null : blockJson(block, second === true);
    }
    case "eth_getBlockByHash": {
      const block = node.byHash(String(first));
      return block === null ? null : blockJson(block, second === true);
    }
    case "eth_getBlockReceipts": {
      const block = node.byHash(String(first)) ?? node.blocks[Number(first)];
      return block === undefined ? null : receiptJson(block);
    }
    case "eth_call":
      return callOf(node, first as { to: string; data: string }, second as { blockHash: string });
    case "eth_getLogs":
      return logsOf(node, first as LogFilter);
    default:
      throw Object.assign(new Error(`${method} is not simulated`), { code: -32_601 });
  }
}

/** `arbiter()` of an escrow at a block: all that an indexer asks a contract. */
function callOf(
  node: ChainNode,
  { to, data }: { to: string; data: string },
  { blockHash }: { blockHash: string },
): string {
  if (data !== ARBITER) throw new Error(`${data} is not simulated`);
  const block = node.byHash(blockHash);
  if (block === null) throw new UnknownBlock("header for hash not found");
  const arbiter = arbiterAt(block, to);
  return arbiter === null ? "0x" : padHex(arbiter, { size: 32 });
}

function logsOf(node: ChainNode, filter: LogFilter): unknown[] {
  return blocksOf(node, filter).flatMap((block) =>
    block.logs.filter((log) => isMatch(log, filter)).map((log) => logJson(block, log)),
  );
}

function blocksOf(node: ChainNode, { blockHash, fromBlock, toBlock }: LogFilter): Block[] {
  if (blockHash === undefined)
    return node.blocks.slice(Number(fromBlock ?? 0), Number(toBlock ?? node.head.number) + 1);
  const block = node.byHash(blockHash);
  if (block === null) throw new UnknownBlock("unknown block");
  return [block];
}

function isMatch(log: BlockLog, { address, topics = [] }: LogFilter): boolean {
  return (
    isOneOf(log.address, address) && topics.every((topic, at) => isOneOf(log.topics[at], topic))
  );
}

function isOneOf(value: string | undefined, wanted: string | string[] | null | undefined): boolean {
  if (wanted === null || wanted === undefined) return true;
  const values = Array.isArray(wanted) ? wanted : [wanted];
  return values.some((each) => each.toLowerCase() === value?.toLowerCase());
}
