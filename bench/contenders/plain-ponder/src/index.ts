import { type Context, ponder } from "ponder:registry";
import { escrow, event as eventTable } from "ponder:schema";
import { replaceBigInts } from "ponder";

type State = typeof escrow.$inferSelect;
type Logged = {
  id: string;
  args: object;
  block: { number: bigint; timestamp: bigint };
  transaction: { hash: `0x${string}` };
  log: { logIndex: number };
};

/** One event row and one state row. */
async function index(
  { db }: Context,
  type: string,
  logged: Logged,
  address: `0x${string}`,
  change: (row: Pick<State, "approvals">) => Partial<State>,
) {
  const { timestamp } = logged.block;
  await db.insert(eventTable).values({
    id: logged.id,
    escrow: address,
    type,
    args: replaceBigInts(logged.args, String),
    blockNumber: logged.block.number,
    timestamp,
    transactionHash: logged.transaction.hash,
    logIndex: logged.log.logIndex,
  });
  await db
    .insert(escrow)
    .values({
      address,
      status: "created",
      approvals: 0,
      updatedAt: timestamp,
      ...change({ approvals: 0 }),
    })
    .onConflictDoUpdate((row) => ({ ...change(row), updatedAt: timestamp }));
}

for (const revision of ["A", "B"] as const) {
  ponder.on(`Factory${revision}:EscrowDeployed`, ({ event, context }) =>
    index(context, "EscrowDeployed", event, event.args.escrow, () => ({})),
  );
  ponder.on(`Escrow${revision}:EscrowCreated`, ({ event, context }) =>
    index(context, "EscrowCreated", event, event.log.address, () => event.args),
  );
  ponder.on(`Escrow${revision}:Approved`, ({ event, context }) =>
    index(context, "Approved", event, event.log.address, ({ approvals }) => ({
      status: "approved",
      approvals: approvals + 1,
    })),
  );
  ponder.on(`Escrow${revision}:EscrowReleased`, ({ event, context }) =>
    index(context, "EscrowReleased", event, event.log.address, () => ({ status: "released" })),
  );
  ponder.on(`Escrow${revision}:EscrowRefunded`, ({ event, context }) =>
    index(context, "EscrowRefunded", event, event.log.address, () => ({ status: "refunded" })),
  );
  ponder.on(`Escrow${revision}:ArbiterChanged`, ({ event, context }) =>
    index(context, "ArbiterChanged", event, event.log.address, () => ({
      arbiter: event.args.newArbiter,
    })),
  );
}
