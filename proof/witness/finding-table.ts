import type pg from "pg";
import type { WitnessLease } from "./witness-lease.ts";
import type { Difference, Finding } from "./witness-records.ts";

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
   * it counts as healed. A phantom among that, which the event store has still, is none: the chain
   * turned out to have the event, and the finding is withdrawn.
   *
   * @param present ids of the events that the event store has there
   * @returns those that were not known
   */
  async replace(
    deployment: string,
    { from, to }: { from: number; to: number },
    found: readonly Finding[],
    present: readonly string[],
  ): Promise<Finding[]> {
    const shown = found.slice(0, MOST_SHOWN);
    return await this.#lease.write(async (client) => {
      await client.query(
        `update witness.finding set healed_at = now(),
                withdrawn_at = case when kind = 'phantom' and event_id = any($6) then now() end
         where deployment = $1 and chain_id = $2 and healed_at is null
           and block_number between $3 and $4
           and not (kind || ' ' || event_id) = any($5)`,
        [
          deployment,
          this.#chainId,
          from,
          to,
          shown.map((each) => `${each.kind} ${each.eventId}`),
          present,
        ],
      );
      const { rows } = await client.query<{ event_id: string; kind: string; is_new: boolean }>(
        `insert into witness.finding as w
           (deployment, chain_id, kind, event_id, block_number, detail, basis)
         select $1, $2, f.kind, f.event_id, f.block, f.detail, f.basis
         from unnest($3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[])
           as f (kind, event_id, block, detail, basis)
         on conflict (deployment, chain_id, kind, event_id) where healed_at is null
           do update set basis = excluded.basis
         returning event_id, kind, xmax = 0 as is_new`,
        [
          ...[deployment, this.#chainId, shown.map(({ kind }) => kind)],
          ...[shown.map(({ eventId }) => eventId), shown.map(({ block }) => block)],
          ...[shown.map(({ detail }) => detail), shown.map(({ basis }) => basis)],
        ],
      );
      const added = rows.filter(({ is_new }) => is_new);
      const isNew = new Set(added.map(({ kind, event_id }) => `${kind} ${event_id}`));
      return shown.filter(({ kind, eventId }) => isNew.has(`${kind} ${eventId}`));
    });
  }
}
