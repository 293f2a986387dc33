import { setTimeout } from "node:timers/promises";
import { GrpcError } from "@escrow-stream/pubsub-emulator";
import { status } from "@grpc/grpc-js";
import { ANY_MOMENT } from "./kill-points.ts";
import { type PublishFault, topicKeyOf } from "./publish-faults.ts";
import { LEASE_MS, PUBLISH_TIMEOUT_MS, REQUEST_LIFE_MS } from "./settings.ts";
import type { Fault } from "./stage.ts";

/** The codes on which Pub/Sub may have accepted a request, or not. */
const AMBIGUOUS = [
  "CANCELLED",
  "UNKNOWN",
  "DEADLINE_EXCEEDED",
  "ABORTED",
  "INTERNAL",
  "UNAVAILABLE",
  "RESOURCE_EXHAUSTED",
] as const;

function injected(code: keyof typeof status): GrpcError {
  return new GrpcError(status[code], `injected ${code}`);
}

/** A fault that befalls every request for a while. */
function publishing(name: string, forMs: number, fault: PublishFault, atLeast = 1): Fault {
  return { name, inject: (stage) => stage.publishing.befall(name, fault, { forMs, atLeast }) };
}

const CODES: Fault[] = AMBIGUOUS.flatMap((code) => [
  publishing(`${code}, accepted`, 200, async (_, accept) => {
    await accept();
    throw injected(code);
  }),
  publishing(`${code}, not accepted`, 200, async () => {
    throw injected(code);
  }),
]);

/** Accepts, and lets the client wait until it gives up. */
export const loseResponse: PublishFault = async (_, accept) => {
  await accept();
  await setTimeout(REQUEST_LIFE_MS);
  throw injected("UNAVAILABLE");
};

export const denyPermission: PublishFault = async () => {
  throw injected("PERMISSION_DENIED");
};

const acceptedAfter =
  (atMs: () => number): PublishFault =>
  async (_, accept) => {
    await setTimeout(atMs());
    return accept();
  };

/** What may go wrong with a request to publish. */
export const FAULTS_OF_PUBLISHING: readonly Fault[] = [
  ...CODES,
  publishing("accepted, no response", 300, loseResponse),
  publishing("hanging, not accepted", 300, async () => {
    await setTimeout(REQUEST_LIFE_MS);
    throw injected("UNAVAILABLE");
  }),
  publishing(
    "accepted after the client's deadline",
    300,
    acceptedAfter(() => PUBLISH_TIMEOUT_MS + 50 + Math.random() * 300),
  ),
  publishing(
    "accepted at the end of its life",
    500,
    acceptedAfter(() => REQUEST_LIFE_MS - 400 + Math.random() * 140),
    3,
  ),
  publishing(
    "slow",
    1_000,
    acceptedAfter(() => Math.random() * (PUBLISH_TIMEOUT_MS - 50)),
  ),
  publishing("storm of errors", 2_500, async (_, accept) => {
    if (Math.random() < 0.5) await accept();
    const code = AMBIGUOUS[Math.floor(Math.random() * AMBIGUOUS.length)] ?? "UNKNOWN";
    throw injected(code);
  }),
  publishing("quota exhausted", 1_500, async () => {
    throw injected("RESOURCE_EXHAUSTED");
  }),
  publishing("permission lost and regained", 1_500, denyPermission),
  {
    name: "accepted late, after a takeover",
    inject: ({ publishing, relays }) =>
      publishing.befall(
        "accepted late, after a takeover",
        async (request, accept) => {
          const sender = relays.senderOf(topicKeyOf(request));
          if (sender !== undefined) relays.kill(sender, ANY_MOMENT);
          await setTimeout(LEASE_MS + 250);
          return accept();
        },
        { forMs: 50 },
      ),
  },
];
