import { ponder } from "ponder:registry";
import { EVENT_CATALOGUE, EVENT_TYPES, REVISIONS } from "../events/event-catalogue.ts";
import { type EventArguments, payloadOf } from "../events/payload-of.ts";
import { toEscrowEvent } from "../events/to-escrow-event.ts";
import { append } from "./append.ts";
import { observeArbiter } from "./observe-arbiter.ts";

/*
 * A handler for every event of the catalogue in every revision. The engine tells the revisions
 * apart: an escrow belongs to the source of the factory event that announced it.
 */

for (const type of EVENT_TYPES)
  for (const revision of REVISIONS) {
    const namesNoArbiter = type === "EscrowCreated" && revision === "A";
    const emitter = EVENT_CATALOGUE[type].emitter === "factory" ? "Factory" : "Escrow";
    // One of the sources of ponder.config.ts; the compiler can follow one name at a time.
    ponder.on(`${emitter}${revision}:${type}` as "EscrowA:Approved", async ({ event, context }) => {
      const payload = payloadOf(type, event.args as EventArguments<typeof type>);
      const { db, chain } = context;
      const observed = namesNoArbiter ? await observeArbiter(context, event.log.address) : null;
      await append(db, toEscrowEvent(type, revision, chain.id, event, payload, observed));
    });
  }
