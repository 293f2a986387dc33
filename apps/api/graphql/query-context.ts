import DataLoader from "dataloader";
import type { FieldNode } from "graphql";
import type { Snapshot } from "../read/consistent-reads.ts";

type AnyLoader = DataLoader<never, unknown, unknown>;

/** What the fields of one request share: one snapshot, and what waits to be read from it together. */
export class QueryContext {
  readonly snapshot: Snapshot;
  readonly #loaders = new Map<FieldNode, Map<string, AnyLoader>>();

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  /**
   * Reads for all the parents of a field in one statement. Wherever the same field of a question
   * comes to be answered, its arguments are the same.
   *
   * @param variant tells apart what one field may have to be read with, such as a past block
   */
  load<Key, Value>(
    field: FieldNode,
    variant: string,
    key: Key,
    read: (keys: readonly Key[]) => Promise<Value[]>,
  ): Promise<Value> {
    const variants = this.#loaders.get(field) ?? new Map<string, AnyLoader>();
    this.#loaders.set(field, variants);
    let loader = variants.get(variant) as DataLoader<Key, Value, string> | undefined;
    if (loader === undefined) {
      loader = new DataLoader(read, { cacheKeyFn: (each) => JSON.stringify(each) });
      variants.set(variant, loader as unknown as AnyLoader);
    }
    return loader.load(key);
  }
}
