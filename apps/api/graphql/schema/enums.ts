import { GraphQLEnumType } from "graphql";

export const EscrowStatus = new GraphQLEnumType({
  name: "EscrowStatus",
  description: "Where an escrow is in its life.",
  values: {
    CREATED: { value: "created", description: "Paid in, nobody has approved." },
    APPROVED: { value: "approved", description: "At least one approval is in; not settled." },
    RELEASED: { value: "released", description: "Settled: the payee got the money." },
    REFUNDED: { value: "refunded", description: "Settled: the payer got the money back." },
    UNKNOWN: {
      value: "unknown",
      description: "Events came without a creation, which is always an anomaly.",
    },
  },
});

export const SettlementOutcome = new GraphQLEnumType({
  name: "SettlementOutcome",
  description: "Who got the money.",
  values: {
    RELEASED: { value: "released", description: "The payee." },
    REFUNDED: { value: "refunded", description: "The payer, back." },
  },
});

export const PartyRole = new GraphQLEnumType({
  name: "PartyRole",
  description: "What an address is in an escrow.",
  values: {
    PAYER: { value: "payer", description: "Pays in." },
    PAYEE: { value: "payee", description: "Is paid when it is released." },
    ARBITER: {
      value: "arbiter",
      description: "May approve as well, and decides where the others disagree.",
    },
  },
});

export const Revision = new GraphQLEnumType({
  name: "Revision",
  description: "Which revision of the contracts.",
  values: {
    A: { description: "The first, which does not name its arbiter when it is created." },
    B: { description: "The second." },
  },
});

export const EventType = new GraphQLEnumType({
  name: "EventType",
  description: "What happened, as the contracts and the messages call it.",
  values: {
    EscrowDeployed: { description: "The factory made the escrow." },
    EscrowCreated: { description: "The escrow began; logged before EscrowDeployed." },
    Approved: { description: "A party approved." },
    EscrowReleased: { description: "The money went to the payee." },
    EscrowRefunded: { description: "The money went back to the payer." },
    ArbiterChanged: { description: "Another arbiter was named." },
  },
});

export const OrderDirection = new GraphQLEnumType({
  name: "OrderDirection",
  description: "Which end comes first. Rows without a value come last either way.",
  values: {
    ASC: { value: "asc", description: "The smallest, the oldest first." },
    DESC: { value: "desc", description: "The largest, the newest first." },
  },
});
