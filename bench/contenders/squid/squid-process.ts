import { EvmBatchProcessor } from "@subsquid/evm-processor";
import { TypeormDatabase } from "@subsquid/typeorm-store";
import { In } from "typeorm";
import { type Decoded, decodeLog, TOPICS } from "./decode-log.ts";
import { EscrowState, LoggedEvent } from "./lib/model/index.ts";

/*
 * A squid as its documentation has one write it: the factory pattern with the children kept in
 * memory, RPC as the data source, and a handler that reads and writes a batch at a time. It writes
 * an event and a state per log, as the plain Ponder app does.
 */

const { RPC_URL = "", FACTORIES = "", LAST_BLOCK = "0" } = process.env;
const factories = FACTORIES.split(",");

const processor = new EvmBatchProcessor()
  .setRpcEndpoint({ url: RPC_URL, capacity: 10, maxBatchCallSize: 100 })
  .setFinalityConfirmation(30)
  .setFields({ log: { topics: true, data: true, transactionHash: true } })
  .setBlockRange({ from: 1, to: Number(LAST_BLOCK) })
  .addLog({ address: factories, topic0: TOPICS.factory })
  .addLog({ topic0: TOPICS.escrow });

const known = new Set<string>();

processor.run(
  new TypeormDatabase({ projectDir: import.meta.dirname, supportHotBlocks: false }),
  async ({ blocks, store }) => {
    const logs = blocks.flatMap((block) =>
      block.logs.map((log) => ({ log, header: block.header })),
    );
    // An escrow's constructor logs before its factory does.
    for (const { log } of logs)
      if (factories.includes(log.address)) known.add(decodeLog(log).args.escrow as string);
    const events = logs.flatMap(({ log, header }) => {
      const isFactory = factories.includes(log.address);
      if (!isFactory && !known.has(log.address)) return [];
      const decoded = decodeLog(log);
      const escrow = isFactory ? (decoded.args.escrow as string) : log.address;
      return [{ log, header, decoded, escrow, seconds: header.timestamp / 1000 }];
    });
    const states = new Map(
      (
        await store.findBy(EscrowState, { id: In([...new Set(events.map((each) => each.escrow))]) })
      ).map((state) => [state.id, state] as const),
    );
    for (const { decoded, escrow, seconds } of events)
      states.set(escrow, evolve(states.get(escrow), decoded, escrow, seconds));
    await store.insert(
      events.map(
        ({ log, header, decoded, escrow, seconds }) =>
          new LoggedEvent({
            id: `${header.hash}-${log.logIndex}`,
            escrow,
            type: decoded.type,
            args: decoded.args,
            blockNumber: header.height,
            timestamp: seconds,
            transactionHash: log.transactionHash,
            logIndex: log.logIndex,
          }),
      ),
    );
    await store.upsert([...states.values()]);
  },
);

function evolve(
  before: EscrowState | undefined,
  { type, args }: Decoded,
  id: string,
  seconds: number,
): EscrowState {
  if (before === undefined)
    return new EscrowState({
      id,
      status: "created",
      payer: args.payer as string,
      payee: args.payee as string,
      arbiter: (args.arbiter as string | undefined) ?? null,
      amount: args.amount as string,
      releaseTime: args.releaseTime as string,
      approvalsRequired: Number(args.approvalsRequired),
      approvals: 0,
      updatedAt: seconds,
    });
  before.updatedAt = seconds;
  if (type === "Approved") {
    before.status = "approved";
    before.approvals += 1;
  }
  if (type === "EscrowReleased") before.status = "released";
  if (type === "EscrowRefunded") before.status = "refunded";
  if (type === "ArbiterChanged") before.arbiter = args.newArbiter as string;
  return before;
}
