import type { EngineMend } from "./engine-mends.ts";

/*
 * A shortcut of the engine (ponder 0.17.7) by itself, for tables that no handler reads from: events,
 * messages, approvals and settlements. Every row that was written stays in the engine's memory in
 * case that it is read again, and waits for the end of its batch. A row of a table that nobody has
 * read from is not kept: it becomes text for the database at once, and the text goes there in
 * portions, within the same transaction, while the handlers go on: both processors have work. Should
 * one of them fail, the flush at the end of the batch does, and the batch with it.
 */
export const ENGINE_UNREAD_ROWS: readonly EngineMend[] = [
  {
    file: "indexing-store/cache.js",
    find: `const primaryKeyCache = getPrimaryKeyCache(tables);
    for (const table of tables) {`,
    times: 1,
    replace: `const primaryKeyCache = getPrimaryKeyCache(tables);
    const PORTION_BYTES = 2_097_152;
    const columnsOf = new Map(tables.map((table) => [table, Object.entries(getTableColumns(table))]));
    const unread = new Map();
    let portions = [];
    const sendUnread = (table) => {
        const { bytes, length } = unread.get(table);
        unread.delete(table);
        const written = getCopyHelper(qb, chainId)(table, bytes.subarray(0, length));
        // It is waited for at the flush.
        written.catch(() => undefined);
        portions.push(written);
    };
    const keepUnread = (table, row) => {
        cache.get(table).isCacheComplete = false;
        const line = getCopyLine(columnsOf.get(table), row) + "\\n";
        // A character has three bytes at the most; what has four are two of them.
        const longest = line.length * 3;
        let portion = unread.get(table);
        if (portion !== undefined && portion.bytes.length < portion.length + longest) {
            sendUnread(table);
            portion = undefined;
        }
        if (portion === undefined) {
            portion = { bytes: Buffer.allocUnsafe(Math.max(PORTION_BYTES, longest)), length: 0 };
            unread.set(table, portion);
        }
        portion.length += portion.bytes.write(line, portion.length);
    };
    /** From now on rows of this table are found by their keys, those before in the database. */
    const markRead = (table) => {
        if (cache.get(table).isRead) return;
        cache.get(table).isRead = true;
        if (unread.has(table)) sendUnread(table);
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
    replace: `        async get({ table, key }) {
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
    replace: `if (isUpdate === false && cache.get(table).isRead !== true && qb.$dialect !== "pglite") {
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
            for (const table of Array.from(unread.keys())) sendUnread(table);
            const written = portions;
            portions = [];`,
  },
  /* Whatever follows the portions fails with them, and does not say why. */
  {
    file: "indexing-store/cache.js",
    find: `                let error = _error;
`,
    times: 1,
    replace: `                let error = _error;
                await Promise.all(written).catch((error) => {
                    // A row that breaks a constraint does so again and again; anything else may pass.
                    throw error.message.includes("violates") ? new DelayedInsertError(error.message) : error;
                });
`,
  },
  {
    file: "indexing-store/cache.js",
    find: `        clear() {`,
    times: 1,
    replace: `        clear() {
            unread.clear();
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
