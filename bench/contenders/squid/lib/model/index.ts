import { EntitySchema } from "typeorm";

/* What `squid-process.ts` writes. typeorm takes the place of this file for given. */

/** One log. `args` is JSON; every uint256 in it is a decimal string. */
export class LoggedEvent {
  id!: string;
  escrow!: string;
  type!: string;
  args!: object;
  blockNumber!: number;
  timestamp!: number;
  transactionHash!: string;
  logIndex!: number;

  constructor(fields?: LoggedEvent) {
    Object.assign(this, fields);
  }
}

/** The state of an escrow; the id is its address. */
export class EscrowState {
  id!: string;
  status!: string;
  payer!: string;
  payee!: string;
  arbiter!: string | null;
  amount!: string;
  releaseTime!: string;
  approvalsRequired!: number;
  approvals!: number;
  updatedAt!: number;

  constructor(fields?: EscrowState) {
    Object.assign(this, fields);
  }
}

/** @public typeorm finds it by itself. */
export const schemas = [
  new EntitySchema({
    name: "event",
    tableName: "event",
    target: LoggedEvent,
    columns: {
      id: { type: "text", primary: true },
      escrow: { type: "text" },
      type: { type: "text" },
      args: { type: "json" },
      blockNumber: { type: "integer" },
      timestamp: { type: "integer" },
      transactionHash: { type: "text" },
      logIndex: { type: "integer" },
    },
  }),
  new EntitySchema({
    name: "escrow",
    tableName: "escrow",
    target: EscrowState,
    columns: {
      id: { type: "text", primary: true },
      status: { type: "text" },
      payer: { type: "text" },
      payee: { type: "text" },
      arbiter: { type: "text", nullable: true },
      amount: { type: "numeric" },
      releaseTime: { type: "numeric" },
      approvalsRequired: { type: "integer" },
      approvals: { type: "integer" },
      updatedAt: { type: "integer" },
    },
  }),
];
