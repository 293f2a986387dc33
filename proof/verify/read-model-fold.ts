import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { type EscrowState, evolveEscrow } from "../../src/projections/escrow.ts";
import type { Transition } from "../../src/projections/transition.ts";
import { ESCROW, PROJECTIONS, type Projection, type Row } from "./projections.ts";
import { ShadowTable } from "./shadow-table.ts";

/** An event that a fold threw at: in the real indexer it would have stopped everything. */
export type OnUnfoldable = (event: EscrowEvent, projection: string, error: Error) => void;

/**
 * Folds events into shadow tables with the indexer's own functions, in its order. The state lives in
 * the tables: a batch loads the rows that it touches and writes them back, so memory depends on the
 * batch alone.
 */
export class ReadModelFold {
  readonly shadows: readonly ShadowTable[];
  readonly #escrows: ShadowTable;
  readonly #others: readonly { projection: Projection; shadow: ShadowTable }[];
  readonly #onUnfoldable: OnUnfoldable;

  private constructor(
    escrows: ShadowTable,
    others: { projection: Projection; shadow: ShadowTable }[],
    chosen: readonly string[],
    onUnfoldable: OnUnfoldable,
  ) {
    this.#escrows = escrows;
    this.#others = others;
    this.#onUnfoldable = onUnfoldable;
    this.shadows = [escrows, ...others.map(({ shadow }) => shadow)].filter(({ table }) =>
      chosen.includes(table),
    );
  }

  /**
   * @param schema of the read models, whose columns the shadow tables get
   * @param chosen projections to fold; the escrows are always folded, all others come of them
   * @param place schema of the shadow tables, which must not hold any
   */
  static async create(
    database: FrozenDatabase,
    schema: string,
    chosen: readonly string[],
    place: string,
    onUnfoldable: OnUnfoldable,
  ): Promise<ReadModelFold> {
    const make = (table: string, key: readonly string[]) =>
      ShadowTable.create(database, schema, table, key, place);
    const escrows = await make(ESCROW.table, ESCROW.key);
    const others: { projection: Projection; shadow: ShadowTable }[] = [];
    for (const projection of PROJECTIONS)
      if (chosen.includes(projection.table))
        others.push({ projection, shadow: await make(projection.table, projection.key) });
    return new ReadModelFold(escrows, others, chosen, onUnfoldable);
  }

  /**
   * Takes the next events, in the order in which their chains logged them.
   *
   * @returns what each did; nothing for one that could not be folded
   */
  async take(events: readonly EscrowEvent[]): Promise<Map<EscrowEvent, Transition>> {
    const transitions = await this.#foldEscrows(events);
    for (const { projection, shadow } of this.#others)
      await this.#foldOther(projection, shadow, [...transitions.values()]);
    return transitions;
  }

  async #foldEscrows(events: readonly EscrowEvent[]): Promise<Map<EscrowEvent, Transition>> {
    const keyOf = ({ chainId, stream }: EscrowEvent) => ({ chainId, address: stream });
    const rows = await this.#escrows.load(distinct(this.#escrows, events.map(keyOf)));
    const transitions = new Map<EscrowEvent, Transition>();
    const changed = new Map<string, Row>();
    for (const event of events) {
      const name = this.#escrows.nameOf(keyOf(event));
      const before = (rows.get(name) ?? null) as EscrowState | null;
      try {
        const step = evolveEscrow(before, event);
        transitions.set(event, { event, before, ...step });
        rows.set(name, step.after);
        changed.set(name, step.after);
      } catch (error) {
        this.#onUnfoldable(event, ESCROW.table, error as Error);
      }
    }
    await this.#escrows.save(changed.values());
    return transitions;
  }

  async #foldOther(
    projection: Projection,
    shadow: ShadowTable,
    transitions: readonly Transition[],
  ): Promise<void> {
    const steps = transitions.flatMap((transition) =>
      projection.touched(transition).map((key) => ({ transition, key })),
    );
    const keys = distinct(
      shadow,
      steps.map(({ key }) => key),
    );
    const rows = await shadow.load(keys);
    const changed = new Map<string, Row>();
    for (const { transition, key } of steps) {
      const name = shadow.nameOf(key);
      try {
        const row = projection.evolve(rows.get(name) ?? null, transition, key);
        rows.set(name, row);
        changed.set(name, row);
      } catch (error) {
        this.#onUnfoldable(transition.event, projection.table, error as Error);
      }
    }
    await shadow.save(changed.values());
  }
}

function distinct(shadow: ShadowTable, keys: Row[]): Iterable<Row> {
  return new Map(keys.map((key) => [shadow.nameOf(key), key])).values();
}
