import type { TestWorld } from "../support/test-world.ts";

/** An event that the chain has and the event store, for a while, has not. */
export class PlantedHole {
  readonly eventId: string;
  readonly block: number;
  readonly #world: TestWorld;
  readonly #url: string;
  readonly #deployment: string;
  #isOpen = true;

  private constructor(
    world: TestWorld,
    url: string,
    place: { deployment: string; eventId: string; block: number },
  ) {
    this.#world = world;
    this.#url = url;
    this.#deployment = place.deployment;
    this.eventId = place.eventId;
    this.block = place.block;
  }

  /** Takes the newest event of a chain out of the live deployment, as if it had never been indexed. */
  static async make(world: TestWorld, url: string, chainId: number): Promise<PlantedHole> {
    const [live] = await world.query<{ deployment: string }>(
      url,
      `select v.deployment from witness.verified v where v.chain_id = $1
       order by v.verified_at desc limit 1`,
      [chainId],
    );
    if (live === undefined) throw new Error(`nothing is verified of chain ${chainId}`);
    const { deployment } = live;
    const [newest] = await world.query<{ id: string; block: number }>(
      url,
      `select id, block_number::int as block from "${deployment}".event
       where chain_id = $1 order by position desc limit 1`,
      [chainId],
    );
    if (newest === undefined) throw new Error(`chain ${chainId} has no event`);
    const place = { deployment, eventId: newest.id, block: newest.block };
    const hole = new PlantedHole(world, url, place);
    await hole.#move(hole.#tables, hole.#keptTables);
    return hole;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Puts the event back. */
  async fill(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#move(this.#keptTables, this.#tables);
  }

  get #tables(): Record<"event" | "outbox", string> {
    return { event: `"${this.#deployment}".event`, outbox: `"${this.#deployment}".outbox` };
  }

  get #keptTables(): Record<"event" | "outbox", string> {
    return { event: "kept.event", outbox: "kept.outbox" };
  }

  /** In one transaction, and unnoticed by the engine's triggers. */
  async #move(from: Record<string, string>, to: Record<string, string>): Promise<void> {
    const { event, outbox } = this.#tables;
    await this.#world.query(
      this.#url,
      `begin;
       set local session_replication_role = replica;
       create schema if not exists kept;
       create table if not exists kept.event (like ${event});
       create table if not exists kept.outbox (like ${outbox});
       insert into ${to.event} select * from ${from.event} where id = '${this.eventId}';
       delete from ${from.event} where id = '${this.eventId}';
       insert into ${to.outbox} select * from ${from.outbox} where event_id = '${this.eventId}';
       delete from ${from.outbox} where event_id = '${this.eventId}';
       commit`,
    );
  }
}
