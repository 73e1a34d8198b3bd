import { inspect } from "node:util";

/**
 * An entity with secrets: `JSON.stringify`, `console.log`, `util.inspect` and templates show none of them. Code that reads
 * the properties has them, and so does a copy: `{ ...entity }`, `structuredClone`, `console.table`.
 */
export abstract class Confidential {
	/** What errors and logs call it. */
	static readonly entityName: string = "Confidential";
	/** The properties that are not shown. */
	static readonly secrets: readonly string[] = [];

	/** The properties without the secret ones. */
	toJSON(): Record<string, unknown> {
		const { secrets } = this.constructor as typeof Confidential;
		return Object.fromEntries(Object.entries(this).filter(([property]) => !secrets.includes(property)));
	}

	/** The properties without the secret ones, for `console.log`. */
	[inspect.custom](depth: number, options: object): string {
		const { entityName } = this.constructor as typeof Confidential;
		if (depth < 0) return `[${entityName}]`;
		return `${entityName} ${inspect(this.toJSON(), { ...options, depth })}`;
	}
}
