import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { PubsubMessage } from "@escrow-stream/consumer";

type Fault = { status: number; headers?: Record<string, string>; body?: unknown };

/** The feed of one publication as the API serves it, of messages that a test gives. */
export class FeedStandIn {
  readonly messages: PubsubMessage[] = [];
  /** Given instead of the next answers. */
  readonly faults: Fault[] = [];
  /** Where a test looks at what was asked. */
  readonly asked: { after: number; authorization: string | undefined }[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<FeedStandIn> {
    const feed = new FeedStandIn();
    await new Promise<void>((resolve) => feed.#server.listen(0, "127.0.0.1", resolve));
    return feed;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "", this.url);
    const after = Number(url.searchParams.get("after"));
    this.asked.push({ after, authorization: request.headers.authorization });
    const fault = this.faults.shift();
    if (fault !== undefined) {
      response.writeHead(fault.status, fault.headers);
      response.end(JSON.stringify(fault.body ?? {}));
      return;
    }
    const end = Math.min(after + Number(url.searchParams.get("limit")), this.messages.length);
    const messages = this.messages.slice(after, end).map((message, index) => ({
      offset: after + index + 1,
      message_id: message.attributes.event_id,
      ordering_key: message.orderingKey,
      accepted: false,
      attributes: message.attributes,
      data: Buffer.from(message.data).toString("utf8"),
    }));
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({ messages, next: Math.max(after, end), more: end < this.messages.length }),
    );
  }
}
