import type { EngineMend } from "./engine-mends.ts";

/*
 * A shortcut of the engine (ponder 0.17.7) by itself, for rows that are folded: added the first
 * time, and changed by a function after that. The engine makes every change column by column, and
 * by way of several promises. The functions here give the whole row, and leave the one before it as
 * it was (`src/indexing/append.ts`). So the new row takes its place, at once when it is in memory;
 * a row that has to be looked for goes the engine's way, and so does each event that the engine
 * learns from which rows the next ones will need.
 */
export const ENGINE_FOLDS: readonly EngineMend[] = [
  {
    file: "indexing-store/cache.js",
    find: `        set({ table, key, row: _row, isUpdate }) {`,
    times: 1,
    replace: `        /** The new row; undefined when the one before it has to be looked for in the database. */
        fold({ table, value, evolve }) {
            if (event && eventCount[event.eventCallback.name] % SAMPLING_RATE === 1) return undefined;
            const known = cache.get(table);
            if (known.isRead !== true) markRead(table);
            const inserts = insertBuffer.get(table);
            const updates = updateBuffer.get(table);
            const ck = getCacheKey(table, value, primaryKeyCache);
            let waiting = updates.get(ck) ?? inserts.get(ck);
            if (waiting === undefined) {
                const row = known.cache.get(ck);
                if (row === undefined && known.isCacheComplete === false) return undefined;
                if (row === undefined) known.diskReads++;
                else if (known.isCacheComplete === false && known.prefetched.has(ck) === false) known.spillover.add(ck);
                const isNew = row === undefined || row === null;
                waiting = { row: isNew ? normalizeRow(table, value, false) : evolve(row), metadata: { event } };
                (isNew ? inserts : updates).set(ck, waiting);
            }
            else {
                waiting.row = evolve(waiting.row);
                waiting.metadata = { event };
            }
            common.metrics.incrementIndexingCacheRequests(getTableName(table), known.isCacheComplete ? "complete" : "hit");
            return waiting.row;
        },
        set({ table, key, row: _row, isUpdate }) {`,
  },
  {
    file: "utils/mutex.js",
    find: `        unlock: () => {`,
    times: 1,
    replace: `        isTaken: () => locked,
        unlock: () => {`,
  },
  {
    file: "indexing-store/index.js",
    find: `onConflictDoUpdate: storeMethodWrapper(async (userUpdateValues) => {`,
    times: 1,
    replace: `onConflictDoUpdate: async (evolve) => {
                                if (isProcessingEvents === false || lock.isTaken() || Array.isArray(userValues) || typeof evolve !== "function")
                                    return inner.foldUsually(evolve);
                                checkOnchainTable(table, "insert");
                                checkTableAccess(table, "insert", userValues, chainId);
                                const row = indexingCache.fold({ table, value: userValues, evolve });
                                if (row === undefined) return inner.foldUsually(evolve);
                                common.metrics.incrementIndexingStoreQueries(getTableName(table), "insert");
                                return row;
                            },
                            foldUsually: storeMethodWrapper(async (userUpdateValues) => {`,
  },
];
