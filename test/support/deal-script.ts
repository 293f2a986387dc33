import type { Address } from "viem";
import type { Revision, TestChain } from "./test-chain.ts";

const YEAR_SECONDS = 365 * 86_400;

/** Escrows that the first half leaves open for the second. */
export type OpenDeals = Record<
  Revision,
  { arbitrated: Address; waiting: Address; proxied: Proxied }
>;
type Proxied = { escrow: Address; payer: Address; payee: Address };

/**
 * The first half of a fixed script that has every event of both revisions in it: all ways to
 * create, approve, release and refund, an arbiter who hands on, also in the block of the creation,
 * and two approvals that share a transaction. Takes 33 days of the chain's time.
 */
export async function playFirstHalf(chain: TestChain): Promise<OpenDeals> {
  return { A: await firstHalf(chain, "A"), B: await firstHalf(chain, "B") };
}

/** The second half: goes on with the open deals and begins new ones. Takes 31 days. */
export async function playSecondHalf(chain: TestChain, open: OpenDeals): Promise<void> {
  for (const revision of ["A", "B"] as const) await secondHalf(chain, revision, open[revision]);
}

async function firstHalf(chain: TestChain, revision: Revision): Promise<OpenDeals["A"]> {
  const { payer, payee, arbiter, stranger } = chain;

  const automatic = await chain.create(revision, { amount: 2n ** 70n + 1n, approvalsRequired: 2 });
  await chain.call(payer, automatic, "approve");
  await chain.call(payee, automatic, "approve");

  const byHand = await chain.create(revision, { approvalsRequired: 1, releaseDelay: 86_400 });
  await chain.call(payee, byHand, "approve");
  await chain.passDays(1.5);
  await chain.call(stranger, byHand, "release");

  const refunded = await chain.create(revision, { isDeterministic: true, arbiter });
  await chain.call(arbiter, refunded, "approve");
  await chain.passDays(31);
  await chain.call(payer, refunded, "refund");

  const arbitrated = await chain.create(revision, { arbiter, approvalsRequired: 3 });
  await chain.call(arbiter, arbitrated, { changeArbiter: stranger });
  await chain.call(stranger, arbitrated, "approve");
  await chain.call(payer, arbitrated, "approve");

  await chain.createAndHandOn(revision, [arbiter, stranger]);
  const handedOn = await chain.createAndHandOn(revision, [arbiter, stranger, arbiter]);
  await chain.call(arbiter, handedOn, { changeArbiter: stranger });

  const waiting = await chain.create(revision, { isDeterministic: true, approvalsRequired: 1 });

  const proxied = await createProxied(chain, revision, YEAR_SECONDS);
  await chain.approveTogether(proxied.escrow, proxied.payer, proxied.payee);
  return { arbitrated, waiting, proxied: await createProxied(chain, revision, 0) };
}

async function secondHalf(
  chain: TestChain,
  revision: Revision,
  { arbitrated, waiting, proxied }: OpenDeals["A"],
): Promise<void> {
  const { payer, payee, arbiter, stranger } = chain;
  await chain.call(payee, arbitrated, "approve");
  // Both approvals and the release that they bring about: three events in one transaction.
  await chain.approveTogether(proxied.escrow, proxied.payer, proxied.payee);

  const fresh = await chain.create(revision, { arbiter, amount: 1n });
  await chain.call(arbiter, fresh, { changeArbiter: stranger });
  await chain.call(stranger, fresh, { changeArbiter: arbiter });
  await chain.call(payee, fresh, "approve");
  await chain.call(arbiter, fresh, "approve");

  await chain.passDays(31);
  await chain.call(payer, waiting, "refund");
  await chain.create(revision, { payer: stranger, payee: payer, isDeterministic: true });
}

async function createProxied(
  chain: TestChain,
  revision: Revision,
  releaseDelay: number,
): Promise<Proxied> {
  const payer = await chain.deployProxy();
  const payee = await chain.deployProxy();
  const escrow = await chain.createThrough(payer, revision, { payee, releaseDelay });
  return { escrow, payer, payee };
}
