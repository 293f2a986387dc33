export { BARRIER_ATTRIBUTE } from "./barrier-attribute.ts";
