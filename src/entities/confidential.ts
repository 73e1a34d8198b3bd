import { type InspectOptionsStylized, inspect } from "node:util";

/** What holds secrets that no JSON, log or template is to show; code that reads the properties has them all. */
export abstract class Confidential {
	/** The properties that are not shown. */
	static readonly secrets: readonly string[] = [];

	/** The properties without the secret ones. */
	toJSON(): Record<string, unknown> {
		const { secrets } = this.constructor as typeof Confidential;
		return Object.fromEntries(Object.entries(this).filter(([property]) => !secrets.includes(property)));
	}

	[inspect.custom](depth: number, options: InspectOptionsStylized): string {
		const { name } = this.constructor;
		if (depth < 0) return `[${name}]`;
		return `${name} ${inspect(this.toJSON(), { ...options, depth })}`;
	}
}
