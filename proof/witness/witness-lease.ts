import type pg from "pg";

/** The lease is not ours any more: nothing was written. */
export class LostLease extends Error {
  override name = "LostLease";
}

/**
 * The right to work on a chain, for a time.
 *
 *   free or expired ──take (epoch + 1)──► held ──renewed every third of its time──► held
 *                                           ├── release ──► free
 *                                           └── not renewed in time ──► expired, perhaps another's
 *
 * Every write is one transaction that begins with a lock on the lease in its epoch: a former owner's
 * writes change nothing.
 */
export class WitnessLease {
  readonly #pool: pg.Pool;
  readonly #chainId: number;
  readonly #owner: string;
  readonly #leaseMs: number;
  #epoch: number | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(pool: pg.Pool, chainId: number, owner: string, leaseMs: number) {
    this.#pool = pool;
    this.#chainId = chainId;
    this.#owner = owner;
    this.#leaseMs = leaseMs;
  }

  /** Null while it is not ours, as far as we know. */
  get epoch(): number | null {
    return this.#epoch;
  }

  /** Takes it when it is free or has expired; renews it when it is ours. */
  async take(): Promise<boolean> {
    const { rows } = await this.#pool.query<{ epoch: string }>(
      `insert into witness.lease as l
       values ($1, $2, 1, now() + $3 * interval '1 millisecond')
       on conflict (chain_id) do update
         set owner = excluded.owner, expires_at = excluded.expires_at,
             epoch = l.epoch + case when l.owner = excluded.owner then 0 else 1 end
         where l.owner = excluded.owner or l.expires_at < now()
       returning epoch`,
      [this.#chainId, this.#owner, this.#leaseMs],
    );
    this.#epoch = rows[0] === undefined ? null : Number(rows[0].epoch);
    this.#timer ??= setInterval(() => void this.#renew(), this.#leaseMs / 3).unref();
    return this.#epoch !== null;
  }

  /** Does some work in a transaction that counts only while the lease is ours. */
  async write<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      await client.query("begin");
      const { rowCount } = await client.query(
        `select from witness.lease
         where chain_id = $1 and owner = $2 and epoch = $3 and expires_at > now() for update`,
        [this.#chainId, this.#owner, this.#epoch],
      );
      if (rowCount === 0) throw this.#lost();
      const result = await work(client);
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback").catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  /** Gives it back, so that another witness need not wait until it expires. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#epoch === null) return;
    await this.#pool.query(
      "update witness.lease set expires_at = now() where chain_id = $1 and owner = $2 and epoch = $3",
      [this.#chainId, this.#owner, this.#epoch],
    );
    this.#epoch = null;
  }

  async #renew(): Promise<void> {
    if (this.#epoch === null) return;
    try {
      const { rowCount } = await this.#pool.query(
        `update witness.lease set expires_at = now() + $4 * interval '1 millisecond'
         where chain_id = $1 and owner = $2 and epoch = $3 and expires_at > now()`,
        [this.#chainId, this.#owner, this.#epoch, this.#leaseMs],
      );
      if (rowCount === 0) this.#epoch = null;
    } catch {
      // A database that does not answer lets it expire, and the next write says so.
    }
  }

  #lost(): LostLease {
    this.#epoch = null;
    return new LostLease(
      `chain ${this.#chainId}: the lease was not renewed in time; another witness may have it`,
    );
  }
}
