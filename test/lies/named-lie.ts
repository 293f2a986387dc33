import type { Lie, LyingNode, RpcCall } from "./lying-node.ts";

/** A way in which nodes were seen, or can be thought, to answer wrongly. */
export type NamedLie = {
  name: string;
  /** The rule of the source that it is against, or what the engine was patched for. */
  against: string;
  /**
   * @param isDue whether this call is one to lie to
   * @param isAlone whether nobody else can be asked
   */
  lie: (isDue: (call: RpcCall) => boolean, isAlone?: boolean) => Lie;
  /** What every node of the chain does always, besides: no lie, but what the chain is like. */
  everywhere?: Lie;
  /** How often a node alone lies when it can, 0 to 1. */
  share?: number;
  /** How often in a row a node alone lies to the same question at the most. */
  inARow?: number;
  /** A node alone cannot be caught at it, by anybody. */
  needsOthers?: true;
  /** Nobody can prove the headers of this chain. */
  isUnknownLayout?: true;
  /** Nobody gives receipts: no logs of this chain can be proven. */
  hasNoReceipts?: true;
  /** A provider's limit is no lie: the node is not to be blamed for it. */
  isLimit?: true;
  /** How often it is told at the most: it costs seconds of real time. */
  atMost?: number;
  /** How many endpoints have to agree on the logs of a range. */
  agree?: number;
};

/** Tells the truth but to the calls that the lie is about. */
export function about(
  is: (call: RpcCall) => boolean,
  change: (truth: never, call: RpcCall, node: LyingNode) => unknown,
): NamedLie["lie"] {
  return (isDue) => (call, truth, node) =>
    is(call) && isDue(call) ? change(truth as never, call, node) : truth;
}
