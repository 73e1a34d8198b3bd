import { inspect } from "node:util";

/** An error whose message says all that its reader needs: printed as that one line, without a stack. */
export class ConnectionModuleError extends Error {
	constructor(message: string, options?: ErrorOptions) {
		super(message, options);
		this.name = new.target.name;
	}

	[inspect.custom](): string {
		return this.message;
	}
}

/** A setting that cannot be used; the message begins with the variable's name and never holds a secret. */
export class SettingsError extends ConnectionModuleError {}

/** A server that cannot be reached, refuses this user, or is not supported. `cause` is the driver's error. */
export class ConnectionError extends ConnectionModuleError {}

/** An operation that this DataSource refuses, since the database also holds tables that are not the module's. */
export class RefusedOperationError extends ConnectionModuleError {}
