import {
  type CompiledQuery,
  PostgresQueryCompiler,
  type QueryExecutor,
  type QueryExecutorProvider,
} from "kysely";

/** Where statements made with Kysely's `sql` are executed. */
export type Statements = QueryExecutorProvider;

const compiler = new PostgresQueryCompiler();

/**
 * Statements by the way of a function. Without the rest of Kysely: plugins, drivers and what passes a
 * connection around cost more than most statements here.
 */
export function statements(
  query: (text: string, values: readonly unknown[]) => Promise<unknown>,
): Statements {
  const executor: Pick<QueryExecutor, "transformQuery" | "compileQuery"> & {
    executeQuery(compiled: CompiledQuery): Promise<unknown>;
  } = {
    transformQuery: (node) => node,
    compileQuery: (node, queryId) => compiler.compileQuery(node, queryId),
    executeQuery: ({ sql, parameters }) => query(sql, parameters),
  };
  return { getExecutor: () => executor as unknown as QueryExecutor };
}
