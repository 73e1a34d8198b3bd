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
