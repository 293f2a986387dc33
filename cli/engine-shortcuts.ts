import { ENGINE_FLUSH } from "./engine-flush.ts";
import { ENGINE_FOLDS } from "./engine-folds.ts";
import type { EngineMend } from "./engine-mends.ts";
import { ENGINE_UNREAD_ROWS } from "./engine-unread-rows.ts";

/*
 * Detours of the engine (ponder 0.17.7) on the way of a row from a handler to the database, taken
 * out as the engine loads. A backfill of ours writes five times the bytes of a plain app; what the
 * engine does to each of them decides how long it takes.
 */
export const ENGINE_SHORTCUTS: readonly EngineMend[] = [
  /*
   * A row that is changed before it was ever written is written twice, as it was at first and as it
   * is in the end, and the second time costs far more. Most escrows come to their end within one
   * batch of a backfill. So the change goes into the row that waits.
   */
  {
    file: "indexing-store/cache.js",
    find: `if (isUpdate) {
                updateBuffer.get(table).set(`,
    times: 1,
    replace: `if (isUpdate && insertBuffer.get(table).has(ck) === false) {
                updateBuffer.get(table).set(`,
  },
  /*
   * Every text is searched for null bytes by a regular expression that collects all it finds, each
   * time it is kept and each time it is written: with the bodies of messages that is much.
   */
  {
    file: "drizzle/text.js",
    find: String.raw`if (value.match(/\0/g)) {`,
    times: 1,
    replace: String.raw`if (value.includes("\0")) {`,
  },
  /*
   * The engine copies rows on their way in and out, by proxies and structured clones, so that a
   * handler cannot change what it keeps. The handlers here never change a row that they were given
   * or have given away (`src/indexing/append.ts`). What is changed in place is thrown away with
   * everything else when a transaction fails: the engine clears its cache then.
   */
  {
    file: "indexing-store/index.js",
    find: `import { copy, copyOnWrite } from '../utils/copy.js';`,
    times: 1,
    replace: `const copy = (row) => row;
const copyOnWrite = copy;`,
  },
  /*
   * Every value is made into what the database would give back for it, by way of its text, and into
   * text again when it is written. The handlers' rows have that form from the start; what is left
   * out becomes null as ever.
   */
  {
    file: "indexing-store/utils.js",
    find: `row[columnName] = normalizeColumn(column, row[columnName], isUpdate);
    }`,
    times: 1,
    replace: `if (row[columnName] === undefined)
            row[columnName] = normalizeColumn(column, undefined, isUpdate);
    }`,
  },
  {
    file: "indexing-store/utils.js",
    find: `        row[columnName] = normalizeColumn(column, value, true);
`,
    times: 1,
    replace: "",
  },
  /*
   * Also the values of a key, each time a row is looked for and each time it is kept.
   */
  {
    file: "indexing-store/utils.js",
    find: `normalizeColumn(col, key[pk], false)`,
    times: 2,
    replace: `key[pk]`,
  },
  /*
   * The rows of a table become one text for the database, value by value; what comes of that is a
   * chain of millions of pieces, which has to be walked once more to send it. Each value's column is
   * asked anew how it is written, and each text is searched for what has to be escaped, also numbers.
   */
  {
    file: "indexing-store/cache.js",
    find: String.raw`const ESCAPE_REGEX = /([\\\b\f\n\r\t\v])/g;`,
    times: 1,
    replace: String.raw`const ESCAPE_REGEX = /([\\\b\f\n\r\t\v])/g;
const CARE_REGEX = /[\\\0\b\f\n\r\t\v]/;
const getCopyCell = (column, value) => {
    if (value === null || value === undefined) return "\\N";
    if (typeof value === "number" || typeof value === "bigint" ||
        (typeof value === "string" && column.dataType === "string" && CARE_REGEX.test(value) === false))
        return value;
    const written = column.mapToDriverValue(value);
    if (written === null || written === undefined) return "\\N";
    return Buffer.isBuffer(written)
        ? "\\\\x" + written.toString("hex")
        : String(written).replace(ESCAPE_REGEX, "\\$1");
};
const getCopyLine = (columns, row) => {
    const cells = new Array(columns.length);
    for (let i = 0; i < columns.length; i++) cells[i] = getCopyCell(columns[i][1], row[columns[i][0]]);
    return cells.join("\t");
};`,
  },
  {
    file: "indexing-store/cache.js",
    find: `    let result = "";
    const columns = Object.entries(getTableColumns(table));
`,
    times: 1,
    replace: `    let result = "";
    const columns = Object.entries(getTableColumns(table));
    return rows.map((row) => getCopyLine(columns, row)).join("\\n");
`,
  },
  /*
   * A backfill indexes so many events in one transaction, with other chains' beside them. At the end
   * of each the handlers wait for the database; the read models that every batch touches are
   * written once in each.
   */
  {
    file: "internal/options.js",
    find: `syncEventsQuerySize: 12_000`,
    times: 1,
    replace: `syncEventsQuerySize: 24_000`,
  },
  /*
   * Each tenth event is searched for where the keys of its rows come from, in order to foretell
   * which rows the next ones will read. Each fiftieth tells as much.
   */
  {
    file: "indexing-store/cache.js",
    find: `const SAMPLING_RATE = 10;`,
    times: 1,
    replace: `const SAMPLING_RATE = 50;`,
  },
  /*
   * Indexes are made one after the other, by one of the two processors. The connection that wrote
   * the rows has nothing to do then.
   */
  {
    file: "runtime/multichain.js",
    find: `    await createIndexes(database.adminQB, { statements: schemaBuild.statements });
`,
    times: 1,
    replace: `    const indexesToMake = Array.from(schemaBuild.statements.indexes.sql);
    await Promise.all([database.adminQB, database.userQB].map(async (qb) => {
        while (indexesToMake.length > 0)
            await createIndexes(qb, { statements: { indexes: { sql: [indexesToMake.shift()] } } });
    }));
`,
  },
  {
    file: "database/actions.js",
    find: `"SET statement_timeout = 3600000;"`,
    times: 1,
    replace: `"SET LOCAL statement_timeout = 3600000;"`,
  },
  ...ENGINE_FLUSH,
  ...ENGINE_FOLDS,
  ...ENGINE_UNREAD_ROWS,
];
