import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { numberToHex } from "viem";
import type { Hex } from "../../src/events/escrow-event.ts";
import { blockJson, logJson } from "../forks/block-json.ts";
import type { Block, BlockLog, SimulatedChain } from "../forks/simulated-chain.ts";

export type LogQuestion = {
  blockHash?: Hex;
  fromBlock?: Hex;
  toBlock?: Hex;
  address?: Hex[];
  topics?: Hex[][];
};
type Request = { id: number; method: string; params: unknown[] };

/** An answer that is no result: of HTTP, or of JSON-RPC. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly code: number;

  constructor(
    message: string,
    { status = 200, code = -32_000, headers = {} as Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const FINALITY_BLOCKS = 60;
const PATH = "/v3/s3cret-path-key";

/**
 * An RPC provider of a simulated chain, with blooms as a real chain has them, and with the habits
 * of providers: limits, refusals, answers that leave something out.
 */
export class AuditProvider {
  /** Every question, in the order in which they came. */
  readonly asked: Request[] = [];
  /** Looks at a question before it is answered; it may throw a refusal, or wait. */
  before: (request: Request) => void | Promise<void> = () => undefined;
  /** What the endpoint gives of a block's logs; everything, unless it leaves something out. */
  tells: (block: Block, question: LogQuestion) => readonly BlockLog[] = ({ logs }) => logs;
  /** What it tells in place of a header. */
  header: (block: Block, header: Record<string, unknown>) => unknown = (_, header) => header;
  readonly chain: SimulatedChain;
  readonly #server: Server;

  private constructor(chain: SimulatedChain) {
    this.chain = chain;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(chain: SimulatedChain): Promise<AuditProvider> {
    const provider = new AuditProvider(chain);
    provider.#server.listen(0, "127.0.0.1");
    await once(provider.#server, "listening");
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${PATH}`;
  }

  /** Questions for logs, as they were asked. */
  get logQuestions(): LogQuestion[] {
    return this.asked
      .filter(({ method }) => method === "eth_getLogs")
      .map(({ params }) => params[0] as LogQuestion);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const question = (await json(request)) as Request;
    this.asked.push(question);
    response.setHeader("content-type", "application/json");
    const { id } = question;
    try {
      await this.before(question);
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result: this.#answer(question) }));
    } catch (error) {
      const { message, status = 200, code = -32_603, headers = {} } = error as Refusal;
      response.writeHead(status, headers);
      response.end(JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } }));
    }
  }

  #answer({ method, params }: Request): unknown {
    switch (method) {
      case "eth_chainId":
        return numberToHex(this.chain.chainId);
      case "web3_clientVersion":
        return "simulated/v1";
      case "eth_getBlockByNumber": {
        const block = this.#blockAt(String(params[0]));
        if (block === undefined) return null;
        return this.header(block, {
          ...blockJson(block, false),
        });
      }
      case "eth_getLogs":
        return this.#logs(params[0] as LogQuestion);
      default:
        throw new Refusal(`${method} does not exist`, { code: -32_601 });
    }
  }

  #blockAt(tag: string): Block | undefined {
    const { head, canonical } = this.chain;
    if (tag === "latest") return head;
    if (tag === "finalized") return canonical[head.number - FINALITY_BLOCKS];
    return canonical[Number(tag)];
  }

  #logs(question: LogQuestion): unknown[] {
    const { blockHash, fromBlock, toBlock } = question;
    const blocks = blockHash
      ? this.chain.canonical.filter(({ hash }) => hash === blockHash)
      : this.chain.canonical.slice(Number(fromBlock), Number(toBlock) + 1);
    const addresses = question.address && new Set(question.address);
    const topics = question.topics?.[0] && new Set(question.topics[0]);
    return blocks.flatMap((block) =>
      this.tells(block, question)
        .filter(({ address }) => addresses?.has(address) ?? true)
        .filter((log) => topics?.has(log.topics[0] as Hex) ?? true)
        .map((log) => logJson(block, log)),
    );
  }
}
