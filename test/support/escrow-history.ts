import type { PubsubMessage } from "@escrow-stream/consumer";
import type { Fact } from "../../examples/02-settlement-consumer/evolve-account.ts";
import { eventMessage, retractionMessage } from "./consumer-messages.ts";

/** A step of an escrow's life, or a reorg that drops its last facts, to return or not. */
export type Step =
  | { type: "Approved"; by: number }
  | { type: "EscrowReleased" | "EscrowRefunded" | "ArbiterChanged" }
  | { type: "reorg"; depth: number; returns: boolean };

type StandingFact = Fact & { eventId: string; incarnation: number };

export type History = { messages: PubsubMessage[]; standing: StandingFact[] };

const ADDRESS = (name: string | number) => `0x${String(name).padStart(40, "0")}`;
const AMOUNT = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

/** What the relay publishes of an escrow that lives through `steps`, and what stands at the end. */
export function tellHistory(key: string, steps: readonly Step[]): History {
  const history: History = { messages: [], standing: [] };
  let block = 0;
  const next = () => history.messages.length + 1;
  const announce = (fact: StandingFact) => {
    const { eventId, eventType, body, incarnation } = fact;
    const messageId = incarnation === 1 ? eventId : `${eventId}#${incarnation}`;
    history.standing.push(fact);
    history.messages.push(
      eventMessage({
        key,
        sequence: next(),
        eventId,
        messageId,
        eventType,
        fields: body,
        attributes: incarnation === 1 ? {} : { incarnation: String(incarnation) },
      }),
    );
  };
  const happen = (eventType: string, fields: Record<string, unknown>) => {
    block += 1;
    const body = { block_number: block, log_index: 0, ...fields };
    announce({ eventId: `${key}-${next()}-0`, eventType, body, incarnation: 1 });
  };

  happen("EscrowCreated", {
    payer: ADDRESS("a"),
    payee: ADDRESS("b"),
    amount: AMOUNT,
    release_time: "1700000000",
    approvals_required: 1,
  });
  for (const step of steps) {
    if (step.type === "reorg") {
      const dropped = history.standing.splice(Math.max(0, history.standing.length - step.depth));
      for (const { eventId, incarnation } of dropped)
        history.messages.push(
          retractionMessage({ key, sequence: next(), retracts: eventId, incarnation }),
        );
      if (step.returns)
        for (const fact of dropped) announce({ ...fact, incarnation: fact.incarnation + 1 });
    } else if (step.type === "Approved") happen("Approved", { approver: ADDRESS(step.by) });
    else if (step.type === "ArbiterChanged")
      happen("ArbiterChanged", { old_arbiter: ADDRESS(0), new_arbiter: ADDRESS(block) });
    else {
      const party =
        step.type === "EscrowReleased" ? { payee: ADDRESS("b") } : { payer: ADDRESS("a") };
      happen(step.type, { ...party, amount: AMOUNT, timestamp: String(block) });
    }
  }
  return history;
}
