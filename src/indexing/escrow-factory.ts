import { ponder } from "ponder:registry";
import { escrowDeployed } from "../events/payloads.ts";
import { toEscrowEvent } from "../events/to-escrow-event.ts";
import { append } from "./append.ts";

/* What the factories log. The stream is the escrow that they name. */

ponder.on("FactoryA:EscrowDeployed", ({ event, context }) => {
  const payload = escrowDeployed(event.args);
  const { escrow } = event.args;
  return append(
    context.db,
    toEscrowEvent("EscrowDeployed", "A", context.chain.id, event, escrow, payload),
  );
});

ponder.on("FactoryB:EscrowDeployed", ({ event, context }) => {
  const payload = escrowDeployed(event.args);
  const { escrow } = event.args;
  return append(
    context.db,
    toEscrowEvent("EscrowDeployed", "B", context.chain.id, event, escrow, payload),
  );
});
