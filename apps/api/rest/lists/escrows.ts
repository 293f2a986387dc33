import { sql } from "kysely";
import { equal, inRange, inTime, oneOf } from "../../read/conditions.ts";
import type { Condition } from "../../read/ranges.ts";
import { roleConditions } from "../../read/role-conditions.ts";
import { ESCROW, type EscrowRow } from "../../read/views.ts";
import { listRoute } from "../list.ts";
import { address, amount, chainId, time, words, yesOrNo } from "../parameters.ts";
import { withReleasable } from "../with-releasable.ts";

const STATUSES = ["created", "approved", "released", "refunded", "unknown"] as const;
const ROLES = ["payer", "payee", "arbiter"] as const;

export const escrows = listRoute({
  path: "/v1/escrows",
  tag: "escrows",
  summary: "Lists escrows, the newest first",
  rows: "escrows",
  rowName: "Escrow",
  view: ESCROW,
  params: {},
  filter: {
    chain_id: chainId,
    status: words("a status", STATUSES),
    payer: address,
    payee: address,
    arbiter: address,
    party: address.openapi({ description: "In any role, or one of `role`." }),
    role: words("a role", ROLES).openapi({ description: "The roles of `party` that count." }),
    factory: address,
    amount_min: amount,
    amount_max: amount,
    created_from: time,
    created_before: time,
    settled_from: time,
    settled_before: time,
    releasable_at: time.openapi({ description: "Those that may be released at this time." }),
    has_anomalies: yesOrNo,
    at: time.openapi({
      description: "The time that `releasable` is about; the clock's if absent.",
    }),
  },
  anyOf: (asked) => {
    const all = [
      ...equal("chain_id", asked.chain_id),
      ...equal("payer", asked.payer),
      ...equal("payee", asked.payee),
      ...equal("arbiter", asked.arbiter),
      ...equal("factory", asked.factory),
      ...inRange("amount", { min: asked.amount_min, max: asked.amount_max }),
      ...inTime("created_at", { from: asked.created_from, before: asked.created_before }),
      ...inTime("settled_at", { from: asked.settled_from, before: asked.settled_before }),
      ...(asked.releasable_at === undefined
        ? []
        : [sql<boolean>`releasable_from <= ${asked.releasable_at}::numeric`]),
      ...anomalies(asked.has_anomalies),
    ];
    if (asked.party !== undefined)
      return roleConditions(sql`${asked.party}`, asked.role).map((role) => [
        ...role,
        ...oneOf("status", asked.status),
        ...all,
      ]);
    // Each status is a range of an index; a party's own is the better one.
    const hasParty = [asked.payer, asked.payee, asked.arbiter].some((each) => each !== undefined);
    if (asked.status === undefined || hasParty) return [[...oneOf("status", asked.status), ...all]];
    return asked.status.map((status) => [...equal("status", status), ...all]);
  },
  orders: {
    created_at: "created_at",
    amount: "amount",
    releasable_from: "releasable_from",
  },
  direction: "desc",
  isOfTheClock: ({ at }) => at === undefined,
  present: (row: EscrowRow, { at }) => withReleasable(row, at),
});

function anomalies(has: boolean | undefined): Condition[] {
  if (has === undefined) return [];
  return [has ? sql`anomalies > 0` : sql`anomalies = 0`];
}
