/** An error whose message says all that its reader needs: printed as that one message, without a stack. */
export class MigrationError extends Error {
	constructor(message: string, options?: ErrorOptions) {
		super(message, options);
		this.name = "MigrationError";
	}

	[Symbol.for("nodejs.util.inspect.custom")](): string {
		return this.message;
	}
}

/** A database that can't be brought to the wanted shape without losing something. Nothing was changed. */
export class IncompatibleSchemaError extends MigrationError {
	constructor(readonly problems: readonly string[]) {
		super(`nothing was changed, since these differences cannot be resolved safely:\n  - ${problems.join("\n  - ")}`);
		this.name = "IncompatibleSchemaError";
	}
}
