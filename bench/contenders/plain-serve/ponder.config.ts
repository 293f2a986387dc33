/* `ponder serve` on this project's tables, with nothing of this project in between. */
export { default } from "../../../ponder.config.ts";
