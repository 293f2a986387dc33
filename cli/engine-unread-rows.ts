import type { EngineMend } from "./engine-mends.ts";

/*
 * A shortcut of the engine (ponder 0.17.7) by itself, for tables that no handler reads from: events,
 * messages, approvals and settlements. Every row that was written stays in the engine's memory in
 * case that it is read again, and waits for the end of its batch. Rows of a table that nobody has
 * read from are not kept, and go to the database in portions, within the same transaction, while the
 * handlers go on: both processors have work. Should one of them fail, the flush at the end of the
 * batch does, and the batch with it.
 */
export const ENGINE_UNREAD_ROWS: readonly EngineMend[] = [
  {
    file: "indexing-store/cache.js",
    find: `const primaryKeyCache = getPrimaryKeyCache(tables);
    for (const table of tables) {`,
    times: 1,
    replace: `const primaryKeyCache = getPrimaryKeyCache(tables);
    const PORTION = 2_000;
    let portions = [];
    let unreadRows = 0;
    /** From now on rows of this table are found by their keys. */
    const markRead = (table) => {
        if (cache.get(table).isRead) return;
        cache.get(table).isRead = true;
        const waiting = insertBuffer.get(table);
        for (const [number, entry] of Array.from(waiting)) {
            waiting.delete(number);
            waiting.set(getCacheKey(table, entry.row, primaryKeyCache), entry);
        }
    };
    const keepUnread = (table, row) => {
        const waiting = insertBuffer.get(table);
        waiting.set(++unreadRows, { row, metadata: { event } });
        cache.get(table).isCacheComplete = false;
        if (waiting.size < PORTION || qb.$dialect === "pglite") return;
        const rows = Array.from(waiting.values(), (entry) => entry.row);
        waiting.clear();
        const written = getCopyHelper(qb, chainId)(table, getCopyText(table, rows));
        // It is waited for at the flush.
        written.catch(() => undefined);
        portions.push(written);
    };
    for (const table of tables) {`,
  },
  {
    file: "indexing-store/cache.js",
    find: `        has({ table, key }) {`,
    times: 1,
    replace: `        isUnread: (table) => cache.get(table)?.isRead === undefined && qb.$dialect !== "pglite",
        has({ table, key }) {
            markRead(table);`,
  },
  {
    file: "indexing-store/cache.js",
    find: `        async get({ table, key }) {`,
    times: 1,
    replace: `        get({ table, key }) {
            markRead(table);`,
  },
  {
    file: "indexing-store/cache.js",
    find: `        async delete({ table, key }) {`,
    times: 1,
    replace: `        async delete({ table, key }) {
            markRead(table);`,
  },
  {
    file: "indexing-store/cache.js",
    find: `const row = isUpdate ? _row : normalizeRow(table, _row, false);`,
    times: 1,
    replace: `if (isUpdate === false && cache.get(table).isRead !== true) {
                keepUnread(table, _row);
                return _row;
            }
            const row = isUpdate ? _row : normalizeRow(table, _row, false);`,
  },
  {
    file: "indexing-store/cache.js",
    find: `const flushEndClock = startClock();`,
    times: 1,
    replace: `const flushEndClock = startClock();
            const written = portions;
            portions = [];
            await Promise.all(written).catch((error) => {
                // A row that breaks a constraint does so again and again; anything else may pass.
                throw error.message.includes("violates") ? new DelayedInsertError(error.message) : error;
            });`,
  },
  {
    file: "indexing-store/cache.js",
    find: `let bytes = 0;
                    for (const [key, entry] of insertBuffer.get(table)) {`,
    times: 1,
    replace: `let bytes = 0;
                    if (tableCache.isRead !== true) insertBuffer.get(table).clear();
                    for (const [key, entry] of insertBuffer.get(table)) {`,
  },
  {
    file: "indexing-store/cache.js",
    find: `        clear() {`,
    times: 1,
    replace: `        clear() {
            portions = [];`,
  },
  {
    file: "indexing-store/index.js",
    find: `    // Note: the naming convention is used to separate user space from ponder space.
`,
    times: 1,
    replace: `    /** Keeps a row of a table that nobody has read from; undefined when it is another table. */
    const keepAtOnce = (table, row, onFulfilled, onRejected) => {
        if (isProcessingEvents === false || Array.isArray(row) || indexingCache.isUnread(table) === false)
            return undefined;
        common.metrics.incrementIndexingStoreQueries(getTableName(table), "insert");
        checkTableAccess(table, "insert", row, chainId);
        const kept = indexingCache.set({ table, key: row, row, isUpdate: false });
        return Promise.resolve(kept).then(onFulfilled, onRejected);
    };
`,
  },
  {
    file: "indexing-store/index.js",
    find: `then: (onFulfilled, onRejected) => storeMethodWrapper(async () => {`,
    times: 1,
    replace: `then: (onFulfilled, onRejected) => keepAtOnce(table, userValues, onFulfilled, onRejected) ?? storeMethodWrapper(async () => {`,
  },
];
