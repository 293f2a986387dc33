import type { Page } from "../../read/page.ts";

/** What a connection's fields are read from: only what is selected is asked for, and once. */
export type ConnectionSource<Row> = { page(): Promise<Page<Row>>; count(): Promise<number> };

export function connectionSource<Row>(
  readPage: () => Promise<Page<Row>>,
  readCount: () => Promise<number>,
): ConnectionSource<Row> {
  let page: Promise<Page<Row>> | undefined;
  let count: Promise<number> | undefined;
  return {
    page: () => {
      page ??= readPage();
      return page;
    },
    count: () => {
      count ??= readCount();
      return count;
    },
  };
}
