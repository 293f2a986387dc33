/** A 20-byte address, a 32-byte hash: lower-case hex. */
export type Hex = `0x${string}`;

/**
 * What each event says, in the contract's own words. Every uint256 is a decimal string, so that
 * a payload is plain JSON. `arbiter` in `EscrowCreated` and `EscrowDeployed` is revision B's.
 */
export type Payloads = {
  EscrowCreated: {
    payer: Hex;
    payee: Hex;
    arbiter?: Hex;
    amount: string;
    release_time: string;
    approvals_required: number;
  };
  EscrowDeployed: {
    escrow: Hex;
    payer: Hex;
    payee: Hex;
    arbiter?: Hex;
    amount: string;
    release_delay: string;
    approvals_required: number;
  };
  Approved: { approver: Hex };
  EscrowReleased: { payee: Hex; amount: string; timestamp: string };
  EscrowRefunded: { payer: Hex; amount: string; timestamp: string };
  ArbiterChanged: { old_arbiter: Hex; new_arbiter: Hex };
};

export type EventType = keyof Payloads;

/** Where on which chain it was logged. Times are Unix seconds. */
type EventOrigin = {
  chainId: number;
  /** `<chainId>-<blockHash>-<logIndex>`. */
  id: string;
  /** The engine's checkpoint of the log: sorts in chain order. */
  position: string;
  /** The escrow that the event is about. */
  stream: Hex;
  schemaVersion: number;
  revision: "A" | "B";
  /** The contract that logged it: the escrow itself, or its factory. */
  emitter: Hex;
  blockNumber: number;
  blockHash: Hex;
  blockTimestamp: bigint;
  transactionHash: Hex;
  logIndex: number;
};

export type EscrowEventOf<T extends EventType> = EventOrigin & { type: T; payload: Payloads[T] };

/** An immutable fact of the chain, as the event store keeps it. */
export type EscrowEvent = { [T in EventType]: EscrowEventOf<T> }[EventType];
