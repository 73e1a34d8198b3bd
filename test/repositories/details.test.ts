import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JsonValue } from "../../src";
import { detailsToJson } from "../../src/repositories/details";

const HIDDEN = "[REDACTED]";
const stored = (details: JsonValue) => JSON.parse(detailsToJson(details) ?? "null") as unknown;

describe("the details of a log entry", () => {
	test("keep no value under a name that says it is a secret", () => {
		for (const name of [
			...["api_key", "apiKey", "PASSWORD", "passwd", "db_pwd", "passphrase", "access-token", "client_secret"],
			...["credentials", "Authorization", "set-cookie", "jwt", "bearer"],
		]) {
			for (const value of ["s3cr3t", 1234, true, null, ["s3cr3t"], { a: "s3cr3t" }]) {
				assert.deepEqual(stored({ deep: [{ [name]: value, shown: 1 }] }), { deep: [{ [name]: HIDDEN, shown: 1 }] });
			}
		}
	});

	test("keep no value in a text that names a secret", () => {
		for (const [text, expected] of [
			["API_KEY=s3cr3t with spaces", `API_KEY=${HIDDEN}`],
			["PATH=/bin\nexport DB_PASSWORD=s3cr3t\nHOME=/root", `PATH=/bin\nexport DB_PASSWORD=${HIDDEN}\nHOME=/root`],
			["docker run -e TOKEN=s3cr3t -p 80 image", `docker run -e TOKEN=${HIDDEN} -p 80 image`],
			["mysql --password='s3 cr3t' -u root", `mysql --password=${HIDDEN} -u root`],
			["https://a.test/?token=s3cr3t&page=2", `https://a.test/?token=${HIDDEN}&page=2`],
			["Authorization: Basic s3cr3ts3cr3t", `Authorization: ${HIDDEN}`],
			["Cookie: session=s3cr3t; other=s3cr3t", `Cookie: ${HIDDEN}`],
			["X-Api-Key: s3cr3t", `X-Api-Key: ${HIDDEN}`],
			["sent with Bearer s3cr3t.s3cr3t", `sent with Bearer ${HIDDEN}`],
			["got eyJhbGciOiJI.eyJzdWIi.s3cr3t back", `got ${HIDDEN} back`],
			["git clone https://user:s3cr3t@host.test/x.git", `git clone https://user:${HIDDEN}@host.test/x.git`],
			['{"password":"s3cr3t","port":80}', `{"password":"${HIDDEN}","port":80}`],
			['[{"env":["TOKEN=s3cr3t","A=1"]}]', `[{"env":["TOKEN=${HIDDEN}","A=1"]}]`],
		] as const) {
			assert.deepEqual(stored({ text }), { text: expected });
			assert.deepEqual(stored([text]), [expected]);
			assert.equal(stored(text), expected);
		}
		assert.deepEqual(stored({ env: [{ name: "DB_PASSWORD", value: "s3cr3t" }] }), {
			env: [{ name: "DB_PASSWORD", value: HIDDEN }],
		});
	});

	test("keep what is no secret as it is", () => {
		for (const details of [
			"the token has expired: sign in again",
			"a=1&b=2",
			"exit code 137 (out of memory), see https://docs.test/keys",
			"{ not JSON",
			{ env: ["PATH=/bin", "HOME=/root"], count: 3, list: [1, null, true], name: "x", value: "y" },
		]) {
			assert.deepEqual(stored(details), details);
		}
	});

	test("take time in proportion to their size", () => {
		for (const text of [
			"x".repeat(9e6),
			"key".repeat(3e6),
			"=".repeat(3e6),
			"eyJa.".repeat(1e6),
			"://a:".repeat(1e6),
		]) {
			assert.equal(typeof detailsToJson({ text }), "string");
		}
	});

	test("are refused where they are nested deeper than every server takes", () => {
		const nested = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown[];
		assert.equal(detailsToJson(nested(31)), "[".repeat(31) + "]".repeat(31));
		assert.equal(typeof detailsToJson({ text: "[[[[".repeat(50) }), "string");
		for (const levels of [32, 101]) {
			assert.throws(() => detailsToJson(nested(levels)), { code: "INVALID_VALUE", property: "details", message: /31/ });
		}
		let deepest: unknown[] = [];
		for (let level = 0; level < 100_000; level++) deepest = [deepest];
		assert.throws(() => detailsToJson(deepest), { code: "INVALID_VALUE", property: "details" });
	});
});
