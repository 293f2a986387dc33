import type { EngineMend } from "./engine-mends.ts";

/*
 * A shortcut of the engine (ponder 0.17.7) by itself, for the end of a batch, when its rows are
 * written. The engine sends the next statement when the one before it is done, and can only do that
 * between two pieces of other work: the database and the process wait for each other by turns.
 * Now everything is sent at once, and the next events are read and decoded while the database works.
 */
export const ENGINE_FLUSH: readonly EngineMend[] = [
  /*
   * COPY is sent with its rows, and without waiting for what was sent before: a server that refuses
   * the statement passes over the rows. The connection stays in the driver's pipeline mode.
   */
  {
    file: "indexing-store/cache.js",
    find: `export const getCopyHelper = (qb, chainId) => {`,
    times: 1,
    replace: `import pg from "pg";
const message = (code, length) => {
    const head = Buffer.from([code.charCodeAt(0), 0, 0, 0, 0]);
    head.writeInt32BE(4 + length, 1);
    return head;
};
class CopyAtOnce extends pg.Query {
    constructor(statement, bytes) {
        super(statement);
        this.bytes = bytes;
    }
    submit(connection) {
        connection.stream.cork();
        connection.query(this.text);
        for (const part of [message("d", this.bytes.length), this.bytes, message("c", 0)]) connection.stream.write(part);
        connection.stream.uncork();
    }
    handleCopyInResponse() {}
}
const copyAtOnce = (client, statement, text) => new Promise((resolve, reject) => {
    client.pipeline = true;
    client.query(new CopyAtOnce(statement, Buffer.isBuffer(text) ? text : Buffer.from(text)), (error) => error ? reject(error) : resolve());
});
export const getCopyHelper = (qb, chainId) => {`,
  },
  {
    file: "indexing-store/cache.js",
    find: `            const copyStream = qb.$client.query(copy.from(\`COPY \${target} FROM STDIN\`));
            await new Promise((resolve, reject) => {
                copyStream.on("finish", resolve);
                copyStream.on("error", reject);
                copyStream.write(text);
                copyStream.end();
            }).catch`,
    times: 1,
    replace: `            await copyAtOnce(qb.$client, \`COPY \${target} FROM STDIN\`, text).catch`,
  },
  /* The savepoint comes first, but nobody waits for it. */
  {
    file: "indexing-store/cache.js",
    find: `                    await qb.wrap((db) => db.execute("SAVEPOINT flush"), context);
                    await promiseAllSettledWithThrow(Array.from(cache.keys()).map(flushTable));`,
    times: 1,
    replace: `                    const begun = qb.wrap((db) => db.execute("SAVEPOINT flush"), context);
                    begun.catch(() => undefined);
                    await new Promise(setImmediate);
                    await promiseAllSettledWithThrow([begun, ...Array.from(cache.keys()).map(flushTable)]);`,
  },
  /* New rows and changed ones are others. */
  {
    file: "indexing-store/cache.js",
    find: `                if (insertValues.length > 0) {
                    const endClock = startClock();
                    if (insertValues.length > LOW_BATCH_THRESHOLD) {`,
    times: 1,
    replace: `                const writeNew = async () => {
                    if (insertValues.length === 0) return;
                    const endClock = startClock();
                    if (insertValues.length > LOW_BATCH_THRESHOLD) {`,
  },
  {
    file: "indexing-store/cache.js",
    find: `                if (updateValues.length > 0) {
                    const primaryKeys = getPrimaryKeyColumns(table);`,
    times: 1,
    replace: `                const writeChanged = async () => {
                    if (updateValues.length === 0) return;
                    const primaryKeys = getPrimaryKeyColumns(table);`,
  },
  {
    file: "indexing-store/cache.js",
    find: `                if (insertValues.length > 0 || updateValues.length > 0) {
                    common.logger.debug({`,
    times: 1,
    replace: `                await Promise.all([writeNew(), writeChanged()]);
                if (insertValues.length > 0 || updateValues.length > 0) {
                    common.logger.debug({`,
  },
  {
    file: "indexing-store/cache.js",
    find: `                        await qb.wrap((db) => db.execute(createTempTableQuery), context);
                        const text = getCopyText(table, updateValues.map(({ row }) => row));
                        await new Promise(setImmediate);
                        await copy(table, text, false);
                        await qb.wrap((db) => db.execute(updateQuery), context);
                        await qb.wrap((db) => db.execute(\`TRUNCATE TABLE "\${target}"\`), context);`,
    times: 1,
    replace: `                        const made = qb.wrap((db) => db.execute(createTempTableQuery), context);
                        made.catch(() => undefined);
                        const text = getCopyText(table, updateValues.map(({ row }) => row));
                        await new Promise(setImmediate);
                        await Promise.all([
                            made,
                            copy(table, text, false),
                            qb.wrap((db) => db.execute(\`\${updateQuery} TRUNCATE TABLE "\${target}"\`), context),
                        ]);`,
  },
  /*
   * The next events are read and decoded while handlers run, which only slows them, and nothing is
   * done while the database writes what they kept. So reading waits until the handlers are through,
   * and what they kept is sent, which takes three turns: the savepoint, the temporary tables, the rows.
   */
  {
    file: "runtime/historical.js",
    find: `                yield { chainId: chain.id, events, checkpoint, blockRange };
`,
    times: 1,
    replace: `                const handled = Promise.withResolvers();
                yield { chainId: chain.id, events, checkpoint, blockRange, onHandled: handled.resolve };
                await handled.promise;
`,
  },
  {
    file: "runtime/multichain.js",
    find: `for await (let { events, chainId, checkpoint, blockRange, } of`,
    times: 1,
    replace: `for await (let { events, chainId, checkpoint, blockRange, onHandled, } of`,
  },
  {
    file: "runtime/multichain.js",
    find: `                // the "flush" + "finalize" is complete.
                await indexingCache.flush();`,
    times: 1,
    replace: `                // the "flush" + "finalize" is complete.
                const flushed = indexingCache.flush();
                flushed.catch(() => undefined);
                for (let turn = 0; turn < TURNS_TO_SEND; turn++) await new Promise(setImmediate);
                onHandled();
                await flushed;`,
  },
  {
    file: "runtime/multichain.js",
    find: `export async function runMultichain(`,
    times: 1,
    replace: `const TURNS_TO_SEND = 3;
export async function runMultichain(`,
  },
];
