/** What a migration needs to try a step again. */
export { ERROR, hasNumber } from "../mysql/errorNumbers";
export { retry } from "../mysql/retry";
