import type { ServerDuplexStream } from "@grpc/grpc-js";
import { isAckId } from "./ack-id.ts";
import type { Broker } from "./broker.ts";
import type { Consumer, ReceivedMessage } from "./delivery.ts";
import { failedPrecondition, invalidArgument, toGrpcError } from "./grpc-error.ts";
import { LIMITS } from "./limits.ts";
import type { Subscription } from "./subscription.ts";
import { validateModifiedDeadline, validateName } from "./validate-resource.ts";

export interface StreamingPullRequest {
  subscription: string;
  ackIds: string[];
  modifyDeadlineSeconds: number[];
  modifyDeadlineAckIds: string[];
  streamAckDeadlineSeconds: number;
  clientId: string;
  maxOutstandingMessages: number;
  maxOutstandingBytes: number;
  protocolVersion: number;
}

interface Confirmation {
  ackIds: string[];
  invalidAckIds: string[];
}

export interface StreamingPullResponse {
  receivedMessages?: ReceivedMessage[];
  acknowledgeConfirmation?: Confirmation;
  modifyAckDeadlineConfirmation?: Confirmation;
  subscriptionProperties?: {
    exactlyOnceDeliveryEnabled: boolean;
    messageOrderingEnabled: boolean;
  };
}

type Stream = ServerDuplexStream<StreamingPullRequest, StreamingPullResponse>;

/**
 * One StreamingPull: opening (waits for the first request) → open → ended by the client, by an
 * error, or by the server (`end`). Messages handed out on a stream stay the client's until their
 * deadline, also when the stream is gone; their ack ids work on other streams and unary calls.
 */
export class StreamingPull implements Consumer {
  maxMessages = Number.POSITIVE_INFINITY;
  maxBytes = Number.POSITIVE_INFINITY;
  ackDeadlineMs = 0;
  isWritable = true;
  #subscription: Subscription | undefined;
  #attachment: { wake(): void; detach(): void } | undefined;
  readonly #stream: Stream;
  readonly #broker: Broker;

  constructor(stream: Stream, broker: Broker, onEnd: (ended: StreamingPull) => void) {
    this.#stream = stream;
    this.#broker = broker;
    const detach = (): void => {
      this.isWritable = false;
      this.#attachment?.detach();
      onEnd(this);
    };
    stream.on("data", (request: StreamingPullRequest) => this.#receive(request));
    stream.on("drain", () => {
      this.isWritable = true;
      this.#attachment?.wake();
    });
    stream.on("cancelled", detach);
    stream.on("error", detach);
    stream.on("end", () => {
      detach();
      stream.end();
    });
  }

  get subscription(): Subscription | undefined {
    return this.#subscription;
  }

  deliver(receivedMessages: ReceivedMessage[]): void {
    this.#write({ receivedMessages });
  }

  /** Ends the stream with the status that `error` stands for. */
  end(error: unknown): void {
    this.isWritable = false;
    this.#attachment?.detach();
    this.#stream.emit("error", toGrpcError(error));
  }

  #receive(request: StreamingPullRequest): void {
    try {
      if (this.#subscription === undefined) this.#open(request);
      else this.#continue(this.#subscription, request);
    } catch (error) {
      this.end(error);
    }
  }

  #open(request: StreamingPullRequest): void {
    const subscription = this.#broker.subscription(
      validateName(request.subscription, "subscriptions"),
    );
    if (subscription.resource.detached) throw failedPrecondition("The subscription is detached.");
    this.#setAckDeadline(request.streamAckDeadlineSeconds);
    if (request.maxOutstandingMessages > 0) this.maxMessages = request.maxOutstandingMessages;
    if (request.maxOutstandingBytes > 0) this.maxBytes = request.maxOutstandingBytes;
    this.#subscription = subscription;
    this.#apply(subscription, request);
    this.#writeProperties(subscription);
    this.#attachment = subscription.attach(this);
  }

  #continue(subscription: Subscription, request: StreamingPullRequest): void {
    const fixed = [
      "subscription",
      "clientId",
      "maxOutstandingMessages",
      "maxOutstandingBytes",
      "protocolVersion",
    ] as const;
    const changed = fixed.find((field) => request[field]);
    if (changed !== undefined) {
      throw invalidArgument(`${changed} can only be set on the initial StreamingPullRequest.`);
    }
    if (request.streamAckDeadlineSeconds !== 0) {
      this.#setAckDeadline(request.streamAckDeadlineSeconds);
    }
    this.#apply(subscription, request);
    // A request without acks is a client's ping; the client drops a stream that does not answer.
    this.#writeProperties(subscription);
  }

  #apply(subscription: Subscription, request: StreamingPullRequest): void {
    const { ackIds, modifyDeadlineAckIds, modifyDeadlineSeconds } = request;
    if (modifyDeadlineAckIds.length !== modifyDeadlineSeconds.length) {
      throw invalidArgument(
        "modify_deadline_seconds and modify_deadline_ack_ids differ in length.",
      );
    }
    for (const seconds of modifyDeadlineSeconds) validateModifiedDeadline(seconds);
    const malformed = [...ackIds, ...modifyDeadlineAckIds].find((ackId) => !isAckId(ackId));
    if (malformed !== undefined) throw invalidArgument(`Invalid ack id (ack_id=${malformed})`);
    const staleAcks = ackIds.length > 0 ? subscription.acknowledge(ackIds) : [];
    const staleDeadlines = modifyDeadlineAckIds.flatMap((ackId, index) =>
      subscription.modifyAckDeadline([ackId], modifyDeadlineSeconds[index] as number),
    );
    if (!subscription.resource.enableExactlyOnceDelivery) return;
    this.#write({
      acknowledgeConfirmation: confirmation(ackIds, staleAcks),
      modifyAckDeadlineConfirmation: confirmation(modifyDeadlineAckIds, staleDeadlines),
    });
  }

  #setAckDeadline(seconds: number): void {
    const { min, max } = LIMITS.ackDeadlineSeconds;
    if (seconds < min || seconds > max) {
      throw invalidArgument(
        `Invalid stream_ack_deadline_seconds (${seconds} s): it must be ${min} to ${max} s.`,
      );
    }
    this.ackDeadlineMs = seconds * 1000;
  }

  #writeProperties({ resource }: Subscription): void {
    this.#write({
      subscriptionProperties: {
        exactlyOnceDeliveryEnabled: resource.enableExactlyOnceDelivery,
        messageOrderingEnabled: resource.enableMessageOrdering,
      },
    });
  }

  #write(response: StreamingPullResponse): void {
    if (!this.#stream.write(response)) this.isWritable = false;
  }
}

function confirmation(ackIds: readonly string[], stale: readonly string[]): Confirmation {
  const isStale = new Set(stale);
  return { ackIds: ackIds.filter((ackId) => !isStale.has(ackId)), invalidAckIds: [...stale] };
}

/** Ends the open streams of a subscription that is no more. */
export function endStreams(
  streams: ReadonlySet<StreamingPull>,
  subscription: Subscription,
  error: Error,
): void {
  for (const stream of [...streams]) if (stream.subscription === subscription) stream.end(error);
}
