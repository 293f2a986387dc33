import { decimal, integer, text } from "./body-fields.ts";

/** A fact as it came in the body of a message. */
export type Fact = { eventType: string; body: Readonly<Record<string, unknown>> };

/** What the ledger knows of an escrow. Amounts in wei and times in Unix seconds, as decimals. */
export type Account = {
  status: "unknown" | "created" | "approved" | "released" | "refunded";
  factory: string | null;
  payer: string | null;
  payee: string | null;
  arbiter: string | null;
  amount: string | null;
  releaseTime: string | null;
  approvalsRequired: number | null;
  approvers: readonly string[];
};

export const NEW_ACCOUNT: Account = {
  status: "unknown",
  factory: null,
  payer: null,
  payee: null,
  arbiter: null,
  amount: null,
  releaseTime: null,
  approvalsRequired: null,
  approvers: [],
};

const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";

/**
 * Folds one fact into an account. Pure; facts must come in chain order. `EscrowCreated` comes
 * before the `EscrowDeployed` of the same escrow, because the constructor logs first. Types that
 * the ledger does not know change nothing.
 *
 * @throws MalformedMessage when a field is missing or has the wrong form
 */
export function evolveAccount(account: Account, { eventType, body }: Fact): Account {
  switch (eventType) {
    case "EscrowCreated":
      if (account.payer !== null) return account;
      return opened(account, body, decimal(body, "release_time"));
    case "EscrowDeployed":
      return deployed(account, body);
    case "Approved":
      return approved(account, text(body, "approver"));
    case "EscrowReleased":
      return settled(account, "released");
    case "EscrowRefunded":
      return settled(account, "refunded");
    case "ArbiterChanged":
      return { ...account, arbiter: addressOrNull(text(body, "new_arbiter")) };
    default:
      return account;
  }
}

function opened(account: Account, body: Fact["body"], releaseTime: string): Account {
  const arbiter = body.arbiter === undefined ? null : addressOrNull(text(body, "arbiter"));
  return {
    ...account,
    status: account.approvers.length > 0 ? "approved" : "created",
    payer: text(body, "payer"),
    payee: text(body, "payee"),
    arbiter: arbiter ?? account.arbiter,
    amount: decimal(body, "amount"),
    releaseTime,
    approvalsRequired: integer(body, "approvals_required"),
  };
}

function deployed(account: Account, body: Fact["body"]): Account {
  const factory = account.factory ?? text(body, "contract_address");
  if (account.payer !== null) return { ...account, factory };
  const releaseTime =
    BigInt(integer(body, "block_timestamp")) + BigInt(decimal(body, "release_delay"));
  return { ...opened(account, body, String(releaseTime)), factory };
}

function approved(account: Account, approver: string): Account {
  if (isSettled(account) || account.approvers.includes(approver)) return account;
  const status = account.status === "unknown" ? "unknown" : "approved";
  return { ...account, status, approvers: [...account.approvers, approver] };
}

function settled(account: Account, status: "released" | "refunded"): Account {
  return isSettled(account) || account.status === "unknown" ? account : { ...account, status };
}

function isSettled({ status }: Account): boolean {
  return status === "released" || status === "refunded";
}

function addressOrNull(address: string): string | null {
  return address === ZERO_ADDRESS ? null : address;
}
