import assert from "node:assert/strict";
import { test } from "node:test";
import { identify } from "../../src/mysql/server";

test("a server is known by its version, its comment and how it keeps names", () => {
	const row = { version: "10.11.6-MariaDB-log", comment: "Debian", lowerCaseNames: "1" };
	assert.deepEqual(identify(row), { type: "mariadb", version: "10.11.6", hasLowerCaseNames: true });
	assert.deepEqual(identify({ ...row, version: "5.5.5-10.6.1-MariaDB", lowerCaseNames: 0 }), {
		type: "mariadb",
		version: "10.6.1",
		hasLowerCaseNames: false,
	});
	assert.deepEqual(identify({ ...row, version: "8.0.36", comment: "", lowerCaseNames: 2 }), {
		type: "mysql",
		version: "8.0.36",
		hasLowerCaseNames: false,
	});
	const refused = (version: string, comment: string, message: RegExp) =>
		assert.throws(() => identify({ version, comment, lowerCaseNames: 0 }), { code: "CONNECTION_FAILED", message });
	refused(
		"5.7.44",
		"",
		/^The server is MySQL 5.7.44, which is not supported: use MariaDB 10.6 or MySQL 8.0, or a later/,
	);
	refused("10.5.1-MariaDB", "", /MariaDB 10.5.1/);
	refused("8.0.11", "TiDB Server", /TiDB \(8.0.11\)/);
	refused("strange", "", /MySQL strange/);
});
