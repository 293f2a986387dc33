import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import type { EscrowState } from "../../src/projections/escrow.ts";
import {
  ESCROW,
  escrowKey,
  READ_MODELS,
  type ReadModel,
  type RowChange,
} from "../../src/projections/read-models.ts";
import { type Transition, transitionOf } from "../../src/projections/transition.ts";
import type { Row } from "../../src/projections/written-table.ts";
import { ShadowTable } from "./shadow-table.ts";

/** The names that `--projection` takes. */
export const READ_MODEL_NAMES: readonly string[] = READ_MODELS.map(({ table }) => table);

/** An event that a fold threw at: in the real indexer it would have stopped everything. */
export type OnUnfoldable = (event: EscrowEvent, readModel: string, error: Error) => void;

type Folded = { model: ReadModel; shadow: ShadowTable };

/**
 * Folds events into shadow tables with the indexer's own functions, in its order. The state lives in
 * the tables: a batch loads the rows that it touches and writes them back, so memory depends on the
 * batch alone.
 */
export class ReadModelFold {
  readonly shadows: readonly ShadowTable[];
  readonly #escrows: ShadowTable;
  readonly #folded: readonly Folded[];
  readonly #onUnfoldable: OnUnfoldable;

  private constructor(
    escrows: ShadowTable,
    folded: readonly Folded[],
    chosen: readonly string[],
    onUnfoldable: OnUnfoldable,
  ) {
    this.#escrows = escrows;
    this.#folded = folded;
    this.#onUnfoldable = onUnfoldable;
    this.shadows = folded.map(({ shadow }) => shadow).filter(({ table }) => chosen.includes(table));
  }

  /**
   * @param schema of the read models, whose columns the shadow tables get
   * @param chosen read models to fold; the escrows are always folded, all others come of them
   * @param place schema of the shadow tables, which must not hold any
   */
  static async create(
    database: FrozenDatabase,
    schema: string,
    chosen: readonly string[],
    place: string,
    onUnfoldable: OnUnfoldable,
  ): Promise<ReadModelFold> {
    const folded: Folded[] = [];
    for (const model of READ_MODELS)
      if (model === ESCROW || chosen.includes(model.table))
        folded.push({ model, shadow: await ShadowTable.create(database, schema, model, place) });
    const escrows = folded.find(({ model }) => model === ESCROW);
    if (escrows === undefined) throw new Error("the escrows are no read model");
    return new ReadModelFold(escrows.shadow, folded, chosen, onUnfoldable);
  }

  /**
   * Takes the next events, in the order in which their chains logged them.
   *
   * @returns what each did; nothing for one that could not be folded
   */
  async take(events: readonly EscrowEvent[]): Promise<Map<EscrowEvent, Transition>> {
    const transitions = await this.#transitions(events);
    for (const folded of this.#folded) await this.#apply(folded, transitions.values());
    return transitions;
  }

  async #transitions(events: readonly EscrowEvent[]): Promise<Map<EscrowEvent, Transition>> {
    const escrows = this.#escrows;
    const states = await escrows.load(distinct(escrows, events.map(escrowKey)));
    const transitions = new Map<EscrowEvent, Transition>();
    for (const event of events) {
      const name = escrows.nameOf(escrowKey(event));
      try {
        const transition = transitionOf((states.get(name) ?? null) as EscrowState | null, event);
        transitions.set(event, transition);
        states.set(name, transition.after);
      } catch (error) {
        this.#onUnfoldable(event, ESCROW.table, error as Error);
      }
    }
    return transitions;
  }

  async #apply({ model, shadow }: Folded, transitions: Iterable<Transition>): Promise<void> {
    const steps = [...transitions].flatMap((transition) =>
      model.changes(transition).map((change) => ({ event: transition.event, change })),
    );
    const needed = steps
      .filter(({ change }) => change.is !== "next")
      .map(({ change }) => keyOf(change));
    const rows = await shadow.load(distinct(shadow, needed));
    const changed = new Map<string, Row>();
    for (const { event, change } of steps) {
      const name = shadow.nameOf(keyOf(change));
      try {
        const row = rowAfter(change, rows.get(name) ?? null);
        rows.set(name, row);
        changed.set(name, row);
      } catch (error) {
        this.#onUnfoldable(event, model.table, error as Error);
      }
    }
    await shadow.save(changed.values());
  }
}

/** A new row has its key among its columns. */
function keyOf(change: RowChange): Row {
  return change.is === "new" ? change.row : change.key;
}

function rowAfter(change: RowChange, before: Row | null): Row {
  if (change.is === "fold") return change.fold(before);
  if (change.is === "new" && before !== null)
    throw new Error("there is a row of this key already, and its rows are inserted once");
  return change.row;
}

function distinct(shadow: ShadowTable, keys: Row[]): Iterable<Row> {
  return new Map(keys.map((key) => [shadow.nameOf(key), key])).values();
}
