import { type ClientRequest, type IncomingMessage, request } from "node:http";

export type FeedMessage = { id: number; data: string };
export type Control = { event: string; data: Record<string, unknown> };

type Options = {
  /** Where to connect to, each time. */
  origin: () => string;
  /** Path and query of the stream. */
  path: string;
  headers?: Record<string, string>;
  /** Whether it comes back by itself, with its last id, as an EventSource does. */
  comesBack?: boolean;
  /** Takes each message; keeps it when there is none. */
  onMessage?: (message: FeedMessage) => void;
};

const RECONNECT_MS = 100;

/** Reads a stream of the feed as the standard for server-sent events says, and notes what comes. */
export class FeedClient {
  readonly #options: Options;
  readonly messages: FeedMessage[] = [];
  readonly controls: Control[] = [];
  /** Frames that had an id and were no message: there may be none. */
  otherIds = 0;
  comments = 0;
  retryMs: number | null = null;
  lastId: string | null = null;
  connections = 0;
  /** Of the last answer. */
  status: number | null = null;
  problem = "";
  isOpen = false;
  #request: ClientRequest | null = null;
  #answer: IncomingMessage | null = null;
  #isStopped = false;
  #rest = "";

  constructor(options: Options) {
    this.#options = options;
    this.#connect();
  }

  get ids(): number[] {
    return this.messages.map(({ id }) => id);
  }

  /** What stands in `read_to` of the last control frame. */
  get readTo(): unknown {
    return this.controls.at(-1)?.data.read_to;
  }

  /** Loses the connection, as in a tunnel. */
  drop(): void {
    this.#request?.destroy();
  }

  /** Takes nothing any more. */
  pause(): void {
    this.#answer?.pause();
  }

  stop(): void {
    this.#isStopped = true;
    this.drop();
  }

  #connect(): void {
    const { origin, path, headers } = this.#options;
    this.#rest = "";
    this.connections += 1;
    const asked = request(`${origin()}${path}`, {
      agent: false,
      headers: {
        ...{ accept: "text/event-stream", ...headers },
        ...(this.lastId === null ? {} : { "last-event-id": this.lastId }),
      },
    });
    asked.on("response", (answer) => {
      this.#answer = answer;
      this.status = answer.statusCode ?? null;
      this.isOpen = answer.statusCode === 200;
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => this.#take(text));
      answer.on("error", () => undefined);
    });
    asked.on("error", () => undefined);
    asked.on("close", () => {
      this.isOpen = false;
      if (this.#isStopped || !this.#options.comesBack) return;
      setTimeout(() => this.#isStopped || this.#connect(), RECONNECT_MS);
    });
    asked.end();
    this.#request = asked;
  }

  #take(text: string): void {
    if (!this.isOpen) {
      this.problem += text;
      return;
    }
    const frames = (this.#rest + text).split("\n\n");
    this.#rest = frames.pop() ?? "";
    for (const frame of frames) this.#frame(frame);
  }

  #frame(frame: string): void {
    let id: string | null = null;
    let event = "message";
    const data: string[] = [];
    for (const line of frame.split("\n")) {
      const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (name === "") this.comments += 1;
      else if (name === "id") id = value;
      else if (name === "event") event = value;
      else if (name === "data") data.push(value);
      else if (name === "retry") this.retryMs = Number(value);
    }
    if (id !== null) this.lastId = id;
    const isMessage = event === "message" && data.length > 0;
    if (id !== null && !isMessage) this.otherIds += 1;
    if (data.length === 0) return;
    if (!isMessage) {
      this.controls.push({ event, data: JSON.parse(data.join("\n")) });
      return;
    }
    const message = { id: Number(id), data: data.join("\n") };
    if (this.#options.onMessage) this.#options.onMessage(message);
    else this.messages.push(message);
  }
}
