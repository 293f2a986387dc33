import { type QueryExecutorProvider, sql } from "kysely";
import type { ChainProgress } from "../../read/progress.ts";

/** An event as far as it has to be known again. */
type Seen = { id: string; stream: string; position: string };

/** Events looked at, of one chain at one time: the newest. */
const WINDOW = 1_000;
/** Ids that are remembered: more than a window, because a reorg brings older ones into it again. */
const REMEMBERED = 5 * WINDOW;

/** What came and went between two looks at a chain. */
export type ChainChange = { added: string[]; escrows: Set<string> };

/**
 * The newest events of a chain that a reorg may still revert, from look to look. A new position does
 * not tell what is new: after a reorg other events stand where these stood.
 */
export class ChainWindow {
  readonly #chainId: number;
  readonly #known = new Set<string>();
  #last = new Map<string, Seen>();
  #isFirst = true;

  constructor(chainId: number) {
    this.#chainId = chainId;
  }

  /** @returns the ids of new events, and the escrows that have others now than before */
  async look(db: QueryExecutorProvider, { final }: ChainProgress): Promise<ChainChange> {
    const floor = String(final.at).padStart(10, "0");
    const { rows } = await sql<Seen>`
      select id, stream, position from escrow.event
      where chain_id = ${this.#chainId} and position >= ${floor}
      order by position desc limit ${WINDOW}`.execute(db);
    const now = new Map(rows.map((row) => [row.id, row]));
    const added = rows.filter(({ id }) => !this.#known.has(id)).reverse();
    const escrows = new Set(added.map(({ stream }) => stream));
    const lowest = rows.length < WINDOW ? floor : (rows.at(-1)?.position ?? floor);
    for (const { id, stream, position } of this.#last.values())
      if (!now.has(id) && position >= lowest) {
        escrows.add(stream);
        // Should it come back, it is news.
        this.#known.delete(id);
      }
    for (const { id } of added) this.#known.add(id);
    for (const oldest of this.#known) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(oldest);
    }
    this.#last = now;
    if (!this.#isFirst) return { added: added.map(({ id }) => id), escrows };
    this.#isFirst = false;
    return { added: [], escrows: new Set() };
  }
}
