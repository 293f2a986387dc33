import type { ServerUnaryCall } from "@grpc/grpc-js";
import type { Consumer, ReceivedMessage } from "./delivery.ts";
import type { Subscription } from "./subscription.ts";

export interface PullRequest {
  subscription: string;
  returnImmediately: boolean;
  maxMessages: number;
}

export interface PullResponse {
  receivedMessages: ReceivedMessage[];
}

const LONGEST_WAIT_MS = 30_000;
const IMMEDIATE_WAIT_MS = 20;
const MARGIN_MS = 500;

/**
 * Waits for at least one message and returns what is there then; returns none shortly before the
 * caller's deadline, after 30 s, or at once when `returnImmediately` is set.
 */
export function pull(
  subscription: Subscription,
  request: PullRequest,
  call: ServerUnaryCall<PullRequest, PullResponse>,
): Promise<PullResponse> {
  return new Promise((resolve) => {
    const deadlineMs = Number(call.getDeadline()) - Date.now() - MARGIN_MS;
    const waitMs = request.returnImmediately
      ? IMMEDIATE_WAIT_MS
      : Math.max(0, Math.min(LONGEST_WAIT_MS, deadlineMs));
    let isDone = false;
    const finish = (receivedMessages: ReceivedMessage[]): void => {
      isDone = true;
      clearTimeout(timer);
      attachment.detach();
      resolve({ receivedMessages });
    };
    const consumer: Consumer = {
      maxMessages: request.maxMessages,
      maxBytes: Number.POSITIVE_INFINITY,
      ackDeadlineMs: subscription.resource.ackDeadlineSeconds * 1000,
      get isWritable() {
        return !isDone;
      },
      deliver: finish,
    };
    const attachment = subscription.attach(consumer);
    const timer = setTimeout(() => finish([]), waitMs);
    call.on("cancelled", () => {
      if (!isDone) finish([]);
    });
  });
}
