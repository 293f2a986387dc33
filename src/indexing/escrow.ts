import { ponder } from "ponder:registry";
import type { EventType, Payloads } from "../events/escrow-event.ts";
import {
  approved,
  arbiterChanged,
  escrowCreated,
  escrowRefunded,
  escrowReleased,
} from "../events/payloads.ts";
import { type EngineEvent, toEscrowEvent } from "../events/to-escrow-event.ts";
import { append } from "./append.ts";

/*
 * What the escrows log themselves. The engine tells the revisions apart: an escrow belongs to the
 * source of the factory event that announced it. `EscrowCreated` differs in its topic as well.
 */

type Context = Parameters<Parameters<typeof ponder.on>[1]>[0]["context"];

function appendLogged<T extends EventType>(
  type: T,
  revision: "A" | "B",
  context: Context,
  event: EngineEvent,
  payload: Payloads[T],
): Promise<void> {
  return append(
    context.db,
    toEscrowEvent(type, revision, context.chain.id, event, event.log.address, payload),
  );
}

ponder.on("EscrowA:EscrowCreated", ({ event, context }) =>
  appendLogged("EscrowCreated", "A", context, event, escrowCreated(event.args)),
);
ponder.on("EscrowB:EscrowCreated", ({ event, context }) =>
  appendLogged("EscrowCreated", "B", context, event, escrowCreated(event.args)),
);
ponder.on("EscrowA:Approved", ({ event, context }) =>
  appendLogged("Approved", "A", context, event, approved(event.args)),
);
ponder.on("EscrowB:Approved", ({ event, context }) =>
  appendLogged("Approved", "B", context, event, approved(event.args)),
);
ponder.on("EscrowA:EscrowReleased", ({ event, context }) =>
  appendLogged("EscrowReleased", "A", context, event, escrowReleased(event.args)),
);
ponder.on("EscrowB:EscrowReleased", ({ event, context }) =>
  appendLogged("EscrowReleased", "B", context, event, escrowReleased(event.args)),
);
ponder.on("EscrowA:EscrowRefunded", ({ event, context }) =>
  appendLogged("EscrowRefunded", "A", context, event, escrowRefunded(event.args)),
);
ponder.on("EscrowB:EscrowRefunded", ({ event, context }) =>
  appendLogged("EscrowRefunded", "B", context, event, escrowRefunded(event.args)),
);
ponder.on("EscrowA:ArbiterChanged", ({ event, context }) =>
  appendLogged("ArbiterChanged", "A", context, event, arbiterChanged(event.args)),
);
ponder.on("EscrowB:ArbiterChanged", ({ event, context }) =>
  appendLogged("ArbiterChanged", "B", context, event, arbiterChanged(event.args)),
);
