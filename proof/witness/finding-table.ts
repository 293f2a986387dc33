import type pg from "pg";
import type { WitnessLease } from "./witness-lease.ts";
import type { Difference } from "./witness-records.ts";

/** A difference that counts, until the event store has what the chain has. */
export type OpenFinding = Difference & { foundAt: Date };

const MOST_SHOWN = 1_000;

/** The findings of one chain in the database: whoever heals event stores reads them there. */
export class FindingTable {
  readonly #pool: pg.Pool;
  readonly #lease: WitnessLease;
  readonly #chainId: number;

  constructor(pool: pg.Pool, lease: WitnessLease, chainId: number) {
    this.#pool = pool;
    this.#lease = lease;
    this.#chainId = chainId;
  }

  /** The first ones that are not healed, in the order of the blocks. */
  async open(deployment: string): Promise<OpenFinding[]> {
    const { rows } = await this.#pool.query(
      `select kind, event_id, block_number, detail, found_at from witness.finding
       where deployment = $1 and chain_id = $2 and healed_at is null
       order by block_number, event_id limit ${MOST_SHOWN}`,
      [deployment, this.#chainId],
    );
    return rows.map((row) => ({
      ...{ kind: row.kind, eventId: row.event_id, block: Number(row.block_number) },
      ...{ detail: row.detail, foundAt: row.found_at },
    }));
  }

  /**
   * Writes down what differs in a range of blocks; whatever was found there before and is not among
   * it counts as healed.
   *
   * @returns those that were not known
   */
  async replace(
    deployment: string,
    { from, to }: { from: number; to: number },
    found: readonly Difference[],
  ): Promise<Difference[]> {
    const shown = found.slice(0, MOST_SHOWN);
    return await this.#lease.write(async (client) => {
      await client.query(
        `update witness.finding set healed_at = now()
         where deployment = $1 and chain_id = $2 and healed_at is null
           and block_number between $3 and $4
           and not (kind || ' ' || event_id) = any($5)`,
        [deployment, this.#chainId, from, to, shown.map((each) => `${each.kind} ${each.eventId}`)],
      );
      const { rows } = await client.query<{ event_id: string; kind: string }>(
        `insert into witness.finding (deployment, chain_id, kind, event_id, block_number, detail)
         select $1, $2, f.kind, f.event_id, f.block, f.detail
         from unnest($3::text[], $4::text[], $5::bigint[], $6::text[])
           as f (kind, event_id, block, detail)
         on conflict (deployment, chain_id, kind, event_id) where healed_at is null do nothing
         returning event_id, kind`,
        [
          ...[deployment, this.#chainId, shown.map(({ kind }) => kind)],
          ...[shown.map(({ eventId }) => eventId), shown.map(({ block }) => block)],
          shown.map(({ detail }) => detail),
        ],
      );
      const isNew = new Set(rows.map(({ kind, event_id }) => `${kind} ${event_id}`));
      return shown.filter(({ kind, eventId }) => isNew.has(`${kind} ${eventId}`));
    });
  }
}
