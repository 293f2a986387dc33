import { GrpcError } from "@escrow-stream/pubsub-emulator";
import { status } from "@grpc/grpc-js";
import type { Fleet } from "./fleet.ts";
import { ACCEPTANCE } from "./kill-points.ts";
import { isBarrier, type PublishFaults, topicKeyOf } from "./publish-faults.ts";

/** Kills a relay that is to die between Pub/Sub's acceptance of its request and the response. */
export function killAtAcceptance(publishing: PublishFaults, fleet: Fleet): void {
  publishing.add({
    name: "SIGKILL at acceptance",
    applies: (request) =>
      !isBarrier(request) && fleet.senderOf(topicKeyOf(request))?.death?.point === ACCEPTANCE,
    fault: async (request, accept) => {
      const accepted = await accept();
      const sender = fleet.senderOf(topicKeyOf(request));
      if (sender?.death?.point !== ACCEPTANCE) return accepted;
      fleet.kill(sender, ACCEPTANCE);
      throw new GrpcError(status.UNAVAILABLE, "its sender is dead");
    },
  });
}
