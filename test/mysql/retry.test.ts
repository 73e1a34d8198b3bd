import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR, errorNumber, hasNumber } from "../../src/mysql/errorNumbers";
import { retry } from "../../src/mysql/retry";

const FAST = { firstPause: 1, longestPause: 2 };
const always = () => true;

/** Work that fails so many times and then gives its number of calls. */
function failing(times: number) {
	const errors: Error[] = [];
	const work = async () => {
		if (errors.length >= times) return errors.length + 1;
		const error = new Error(`failure ${errors.length + 1}`);
		errors.push(error);
		throw error;
	};
	return { work, errors };
}

test("work is done again until it succeeds", async () => {
	assert.equal(await retry(failing(0).work, { isTransient: always, ...FAST }), 1);
	assert.equal(await retry(failing(5).work, { isTransient: always, ...FAST }), 6);
});

test("an error that is not transient is thrown at once", async () => {
	const { work, errors } = failing(9);
	const isTransient = (error: unknown, attempt: number) => {
		assert.equal(error, errors[attempt - 1]);
		return attempt < 3;
	};
	await assert.rejects(retry(work, { isTransient, ...FAST }), { message: "failure 3" });
});

test("the number of attempts is a bound", async () => {
	await assert.rejects(retry(failing(9).work, { isTransient: always, attempts: 1, ...FAST }), { message: "failure 1" });
	await assert.rejects(retry(failing(9).work, { isTransient: always, attempts: 4, ...FAST }), { message: "failure 4" });
	assert.equal(await retry(failing(3).work, { isTransient: always, attempts: 4, ...FAST }), 4);
});

test("the time is a bound, and is used up before the error is thrown", async () => {
	const once = failing(9);
	await assert.rejects(retry(once.work, { isTransient: always, timeout: 0 }), { message: "failure 1" });
	const { work, errors } = failing(Number.POSITIVE_INFINITY);
	const start = performance.now();
	await assert.rejects(retry(work, { isTransient: always, timeout: 60, firstPause: 1_000 }), /failure/);
	assert.ok(performance.now() - start >= 59, "not before the time is over");
	assert.ok(errors.length >= 2, "once more when it is over");
});

test("each retry is announced with its error", async () => {
	const retried: unknown[] = [];
	const { work, errors } = failing(2);
	await retry(work, { isTransient: always, onRetry: (error, attempt) => retried.push([attempt, error]), ...FAST });
	assert.deepEqual(retried, [
		[1, errors[0]],
		[2, errors[1]],
	]);
});

test("the number of an error is the server's, of a cause too, and never the system's", () => {
	const server = Object.assign(new Error("deadlock"), { errno: ERROR.LOCK_DEADLOCK });
	const system = Object.assign(new Error("refused"), { errno: -111 });
	assert.equal(errorNumber(server), 1213);
	assert.equal(errorNumber(new Error("outer", { cause: new Error("inner", { cause: server }) })), 1213);
	assert.equal(errorNumber(system), 0);
	assert.equal(errorNumber(Object.assign(new Error("text"), { errno: "ECONNREFUSED" })), 0);
	assert.equal(errorNumber({ errno: 1213 }), 0);
	assert.equal(errorNumber(undefined), 0);
	assert.ok(hasNumber(server, ERROR.LOCK_WAIT_TIMEOUT, ERROR.LOCK_DEADLOCK));
	assert.ok(!hasNumber(server, ERROR.LOCK_WAIT_TIMEOUT));
	assert.ok(!hasNumber(server));
	assert.ok(!hasNumber(undefined, ERROR.LOCK_DEADLOCK));
});
