import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

export type RpcCall = { id: number; method: string; params: unknown[] };

/** What a node does with an answer: another one, or something that is no answer at all. */
export type Lie = (call: RpcCall, truth: unknown, node: LyingNode) => unknown | Promise<unknown>;

/** Thrown by a lie: the node answers with this instead of a result. */
export class RpcRefusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Thrown by a lie: the node answers with this in place of JSON-RPC. */
export class HttpAnswer extends Error {
  /** `null` cuts the connection; `"hang"` leaves it open and says no more. */
  readonly status: number | null | "hang";
  readonly body: string;
  readonly headers: Record<string, string>;

  constructor(status: HttpAnswer["status"], body = "", headers: Record<string, string> = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

const MOST_CALLS = 20_000;

/** A node that passes on what a real one says, except where it lies. */
export class LyingNode {
  /** The newest of them. */
  readonly calls: RpcCall[] = [];
  /** Answers given so far. */
  answered = 0;
  /** Blocks that a reorg dropped, by number, with their transactions. */
  readonly dropped = new Map<number, Record<string, unknown>>();
  lie: Lie = (_, truth) => truth;
  /** The clock of whoever asks, in milliseconds. */
  now: () => number = () => performance.now();
  /** How often it was asked within a pause that it had asked for. */
  impatient = 0;
  readonly #truth: string;
  readonly #server: Server;

  private constructor(truth: string) {
    this.#truth = truth;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** @param truth URL of the node that is asked for the truth */
  static async start(truth: string): Promise<LyingNode> {
    const node = new LyingNode(truth);
    node.#server.listen(0, "127.0.0.1");
    await once(node.#server, "listening");
    return node;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/key-of-this-node`;
  }

  /** Asks the real node. */
  async truth(method: string, params: unknown[]): Promise<unknown> {
    const response = await fetch(this.#truth, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { result, error } = (await response.json()) as {
      result?: unknown;
      error?: { code: number; message: string };
    };
    if (error) throw new RpcRefusal(error.code, error.message);
    return result;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = (await json(request)) as RpcCall | RpcCall[];
      const replies = Array.isArray(body)
        ? await Promise.all(body.map((call) => this.#reply(call)))
        : await this.#reply(body);
      response.setHeader("content-type", "application/json").end(JSON.stringify(replies));
    } catch (error) {
      if (!(error instanceof HttpAnswer) || error.status === null) response.destroy();
      else if (error.status === "hang") response.writeHead(200).write(error.body);
      else response.writeHead(error.status, error.headers).end(error.body);
    }
  }

  async #reply(asked: RpcCall): Promise<object> {
    const call = { ...asked, params: asked.params ?? [] };
    this.answered += 1;
    if (this.calls.push(call) > MOST_CALLS) this.calls.splice(0, MOST_CALLS / 2);
    const { id, method, params } = call;
    try {
      const result = await this.lie(call, await this.truth(method, params), this);
      return { jsonrpc: "2.0", id, result };
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error;
      return { jsonrpc: "2.0", id, error: { code: error.code, message: error.message } };
    }
  }
}
