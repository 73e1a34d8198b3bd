import type { Fail } from "./setting";
import type { SettingName } from "./table";

/** What a URL says, by setting, still to be checked like any other value. */
export interface UrlParts {
	readonly parts: Readonly<Partial<Record<SettingName, string>>>;
	/** Names of its parameters, none of which is used. */
	readonly parameters: readonly string[];
}

/**
 * Takes a URL of a MySQL or MariaDB server apart; undefined where it is a URL for something else.
 *
 * @throws what `fail` throws for what is no URL
 */
export function readUrl(text: string, fail: Fail): UrlParts | undefined {
	const scheme = /^\s*([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
	if (scheme === undefined) return fail("must be a URL such as mysql://user:password@host:3306/database");
	if (scheme !== "mysql" && scheme !== "mariadb") return undefined;
	if (/\s$|^\s/.test(text)) return fail("begins or ends with white space: remove it");
	let url: URL;
	try {
		url = new URL(text);
	} catch {
		return fail("is not a valid URL: write special characters in the password as %40, %2F and so on");
	}
	const decode = (part: string) => {
		try {
			return decodeURIComponent(part);
		} catch {
			return fail("holds a % that is not followed by two hexadecimal digits: write %25 for a percent sign");
		}
	};
	return {
		parts: {
			host: decode(url.hostname),
			port: url.port,
			username: decode(url.username),
			password: decode(url.password),
			database: decode(url.pathname.replace(/^\//, "")),
		},
		parameters: [...new Set(url.searchParams.keys())],
	};
}
