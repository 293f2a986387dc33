import { tableCatalogue } from "./table-catalogue.ts";

/** The comments on the stable views and their columns, as `engine/describe-views.ts` sets them. */
export function viewComments(): string {
  return JSON.stringify(
    Object.fromEntries(
      tableCatalogue().map(({ name, says, columns }) => [
        name,
        { says, columns: Object.fromEntries(columns.map((column) => [column.name, column.says])) },
      ]),
    ),
    null,
    2,
  );
}
