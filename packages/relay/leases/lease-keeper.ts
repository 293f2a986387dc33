import { type Kysely, sql, type Transaction } from "kysely";
import type { Logger } from "pino";
import type { Publication } from "../journal/publication.ts";
import { Signal } from "../signal.ts";
import { announce } from "./announce.ts";

/** The partition number of the leadership: the leader captures and resolves doubts for a publication. */
export const LEADER = -1;

/** A lease that this instance holds. */
export type Lease = { publicationId: number; partition: number; epoch: number };

export type LeaseKeeperOptions = {
  db: Kysely<unknown>;
  /** Names this instance among all. */
  instance: string;
  publications: Publication[];
  log: Logger;
  /** How long a lease lasts without being renewed. */
  leaseMs: number;
  /** Requests under way in a partition: it is given back only when there is none. */
  inFlight: (publicationId: number, partition: number) => number;
  /** Called when what is held has changed. */
  onChange: () => void;
};

type LeaseRow = { publication_id: number; partition: number; epoch: string };

/**
 * Shares partitions among the relay instances on one journal.
 *
 * A lease, as one instance sees it:
 *
 *   free or expired ──take (epoch + 1)──► held ──renew──► held
 *                                          │  └── somebody else took it ──► lost
 *                                          └── more than the fair share, or stopping ──► draining
 *                                                  draining ──nothing under way──► given back
 *
 * Safety does not hang on time: every write of bookkeeping names the epoch and is refused when it
 * is old, and what a former owner had under way counts as in doubt when the lease changes hands.
 * Time only decides how soon a dead owner's keys move on. Expiry is judged by PostgreSQL's clock;
 * our own belief in a lease ends earlier, by a clock that does not jump.
 */
export class LeaseKeeper {
  readonly instance: string;
  readonly #options: LeaseKeeperOptions;
  readonly #wake = new Signal();
  #held = new Map<string, Lease>();
  #draining = new Set<string>();
  #believedUntilMs = 0;
  #turnSinceMs: number | null = null;
  #stopping = false;

  constructor(options: LeaseKeeperOptions) {
    this.instance = options.instance;
    this.#options = options;
  }

  /** The partitions of a publication that new work may be claimed in. */
  partitions({ id }: Publication): Lease[] {
    if (!this.#isBelieved()) return [];
    return [...this.#held].flatMap(([name, lease]) =>
      lease.publicationId === id && lease.partition !== LEADER && !this.#draining.has(name)
        ? [lease]
        : [],
    );
  }

  /** The leader of a publication, if this instance has it. */
  leader({ id }: Publication): Lease | null {
    return this.#isBelieved() ? (this.#held.get(nameOf(id, LEADER)) ?? null) : null;
  }

  /** Whether a lease still is what it was when work was claimed under it. */
  isHeld({ publicationId, partition, epoch }: Lease): boolean {
    return this.#isBelieved() && this.#held.get(nameOf(publicationId, partition))?.epoch === epoch;
  }

  /** Leases held, leadership included. */
  get count(): number {
    return this.#isBelieved() ? this.#held.size : 0;
  }

  /** For how long the turn under way has lasted, in milliseconds; 0 between two of them. */
  get turnLastsMs(): number {
    return this.#turnSinceMs === null ? 0 : performance.now() - this.#turnSinceMs;
  }

  /** Renews and balances until `stop`. A database that does not answer is asked again. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      this.#turnSinceMs = performance.now();
      try {
        await this.#tick();
      } catch (error) {
        this.#options.log.error(
          { event: "lease.renewal-failed", err: error },
          "the leases could not be renewed; trying again",
        );
      }
      this.#turnSinceMs = null;
      await this.#wake.wait(this.#options.leaseMs / 3);
    }
  }

  /** Ends `run`. The leases are kept until `giveBack`. */
  stop(): void {
    this.#stopping = true;
    this.#wake.set();
  }

  /**
   * Gives every lease back at once; whatever has no answer yet is left in doubt for the next. Also
   * those that the last turn passed over: who looks for free leases may lock one and not take it.
   */
  async giveBack(): Promise<void> {
    this.#held.clear();
    await this.#options.db.transaction().execute(async (tx) => {
      // Waits for whoever has a row locked: nobody with one waits for what is locked here.
      await sql`
        with own as materialized (
          select publication_id, partition from relay.lease where owner = ${this.instance}
          order by publication_id, partition for update)
        update relay.lease l set owner = null, expires_at = null from own
        where l.publication_id = own.publication_id and l.partition = own.partition`.execute(tx);
      await sql`delete from relay.instance where id = ${this.instance}`.execute(tx);
    });
  }

  #isBelieved(): boolean {
    return performance.now() < this.#believedUntilMs;
  }

  async #tick(): Promise<void> {
    const { db, publications, leaseMs, inFlight, onChange } = this.#options;
    const startedMs = performance.now();
    const drained = [...this.#draining].flatMap((name) => {
      const lease = this.#held.get(name);
      return lease && inFlight(lease.publicationId, lease.partition) === 0 ? [lease] : [];
    });
    const before = new Map(this.#held);
    const { held, surplus } = await db.transaction().execute(async (tx) => {
      await release(tx, this.instance, drained);
      const instances = await announce(tx, this.instance, leaseMs);
      const renewed = await renew(tx, this.instance, leaseMs);
      return await balance(tx, this.instance, leaseMs, instances, renewed, publications);
    });
    this.#held = new Map(
      held.map((lease) => [nameOf(lease.publicationId, lease.partition), lease]),
    );
    this.#draining = new Set(surplus.map((lease) => nameOf(lease.publicationId, lease.partition)));
    this.#believedUntilMs = startedMs + leaseMs * 0.8;
    const isChanged =
      before.size !== this.#held.size ||
      [...this.#held].some(([name, { epoch }]) => before.get(name)?.epoch !== epoch);
    if (isChanged) this.#report(before);
    if (isChanged || drained.length > 0) onChange();
    // Come back soon to give back what is draining.
    if (surplus.length > 0) setTimeout(() => this.#wake.set(), 50).unref();
  }

  #report(before: Map<string, Lease>): void {
    const { log } = this.#options;
    const lost = [...before].filter(([name, { epoch }]) => this.#held.get(name)?.epoch !== epoch);
    const taken = [...this.#held].filter(([name, { epoch }]) => before.get(name)?.epoch !== epoch);
    const leases = this.#held.size;
    if (lost.length > 0)
      log.info({ event: "lease.lost", lost: lost.length, leases }, "leases given back or lost");
    if (taken.length > 0)
      log.info({ event: "lease.taken", taken: taken.length, leases }, "leases taken");
  }
}

function nameOf(publicationId: number, partition: number): string {
  return `${publicationId}:${partition}`;
}

/*
 * Locks of a turn: the rows of `lease` that are given back, this instance's own row of `instance`,
 * then rows of both that are passed over when somebody else has them, and rows of `ordering_key` in
 * the order of publication and key. Whoever waits for another's row of `lease` or `instance` may
 * have one that the other waits for: so a turn waits only for its own row of `instance`, and who
 * has that (to delete it, as it had expired) is past waiting.
 */

/** What somebody else has at the moment is being taken over: it is not ours any more. */
async function renew(
  tx: Transaction<unknown>,
  instance: string,
  leaseMs: number,
): Promise<Lease[]> {
  const { rows } = await sql<LeaseRow>`
    update relay.lease set expires_at = clock_timestamp() + ${leaseMs} * interval '1 ms'
    where (publication_id, partition) in (
      select publication_id, partition from relay.lease where owner = ${instance}
      for update skip locked)
    returning publication_id, partition, epoch`.execute(tx);
  return rows.map(toLease);
}

/** Takes what is free up to the fair share of each publication, and names what is above it. */
async function balance(
  tx: Transaction<unknown>,
  instance: string,
  leaseMs: number,
  instances: number,
  renewed: Lease[],
  publications: Publication[],
): Promise<{ held: Lease[]; surplus: Lease[] }> {
  const held = [...renewed];
  const surplus: Lease[] = [];
  for (const publication of publications) {
    const { id } = publication;
    const { rows } = await sql<{ partitions: number; halted_reason: string | null }>`
      select partitions, halted_reason from relay.publication where id = ${id}`.execute(tx);
    // Whoever halted it, or an operator who cleared it: everybody learns of it here.
    publication.haltedReason = rows[0]?.halted_reason ?? null;
    const fairShare = Math.ceil((rows[0]?.partitions ?? 0) / instances);
    const own = renewed.filter((lease) => lease.publicationId === id && lease.partition !== LEADER);
    surplus.push(...own.slice(fairShare));
    held.push(...(await take(tx, instance, leaseMs, id, fairShare - own.length)));
  }
  return { held, surplus };
}

/** Takes the leadership, when it is free, and up to `count` free partitions. */
async function take(
  tx: Transaction<unknown>,
  instance: string,
  leaseMs: number,
  publicationId: number,
  count: number,
): Promise<Lease[]> {
  const { rows } = await sql<LeaseRow>`
    with free as (
      select partition from relay.lease
      where publication_id = ${publicationId}
        and (owner is null or expires_at < clock_timestamp())
      order by partition
      limit ${Math.max(0, count) + 1}
      for update skip locked
    ),
    wanted as (
      select partition from free where partition = ${LEADER}
      union all
      (select partition from free where partition <> ${LEADER} order by partition
       limit ${Math.max(0, count)})
    )
    update relay.lease l
    set owner = ${instance}, epoch = l.epoch + 1,
        expires_at = clock_timestamp() + ${leaseMs} * interval '1 ms'
    from wanted w
    where l.publication_id = ${publicationId} and l.partition = w.partition
    returning l.publication_id, l.partition, l.epoch`.execute(tx);
  const taken = rows.map(toLease);
  // What the former owner had under way has nobody waiting for its answer now.
  await sql`
    with under_way as materialized (
      select ordering_key from relay.ordering_key
      where publication_id = ${publicationId} and published_sequence < in_doubt_sequence
        and partition = any (${taken.map(({ partition }) => partition)}::smallint[])
      order by ordering_key
      for update
    )
    update relay.ordering_key k set is_doubted = true
    from under_way u
    where k.publication_id = ${publicationId} and k.ordering_key = u.ordering_key`.execute(tx);
  return taken;
}

async function release(tx: Transaction<unknown>, instance: string, leases: Lease[]): Promise<void> {
  if (leases.length === 0) return;
  await sql`
    update relay.lease set owner = null, expires_at = null
    where (publication_id, partition) in (
      select l.publication_id, l.partition
      from unnest(${leases.map(({ publicationId }) => publicationId)}::smallint[],
                  ${leases.map(({ partition }) => partition)}::smallint[],
                  ${leases.map(({ epoch }) => epoch)}::bigint[])
             as given_back (publication_id, partition, epoch)
      join relay.lease l using (publication_id, partition, epoch)
      where l.owner = ${instance}
      for update of l skip locked)`.execute(tx);
}

function toLease(row: LeaseRow): Lease {
  return {
    publicationId: row.publication_id,
    partition: row.partition,
    epoch: Number(row.epoch),
  };
}
