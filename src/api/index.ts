import { Hono } from "hono";

/**
 * The engine insists on a file here that exports a Hono app. It has nothing to serve: its own GraphQL
 * and SQL over HTTP are not fit for strangers. Readers are answered by `apps/api`.
 */
export default new Hono();
