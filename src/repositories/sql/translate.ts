import { type EntityMetadata, QueryFailedError } from "typeorm";
import { AlreadyExistsError, InvalidValueError, NotFoundError, ValueTooLongError } from "../../errors";
import { withoutSecrets } from "../../mysql/redact";

interface DriverError extends Error {
	readonly errno?: number;
}

/**
 * What a failed statement is to the caller: an error of the domain where the server's number means one, else TypeORM's
 * `QueryFailedError`. Neither holds a value of the statement's, nor does its cause.
 *
 * @param sql with placeholders for values
 */
export function translate(error: unknown, sql: string, metadata: EntityMetadata): Error {
	const cause = withoutSecrets(error) as DriverError;
	const { name, message } = { name: metadata.name, message: cause.message };
	switch (cause.errno) {
		case 1062:
			return new AlreadyExistsError(name, uniqueProperties(message, metadata), { cause });
		case 1216:
		case 1452:
			return new NotFoundError(missingParent(message, metadata), { cause });
		case 1406:
			return new ValueTooLongError(name, property(message, metadata), undefined, "characters", { cause });
		// Out of range, not a value of the ENUM, not of the column's type or character set, NULL, not JSON.
		case 1048:
		case 1264:
		case 1265:
		case 1366:
		case 3140:
		case 4025:
			return new InvalidValueError(name, property(message, metadata), "a value that its column takes", { cause });
		default:
			return new QueryFailedError(sql, undefined, cause);
	}
}

/** The properties of the unique index that the server names as `table.index` or `index`. */
function uniqueProperties(message: string, metadata: EntityMetadata): string[] {
	const key = /for key '(?:[^'.]*\.)?([^']*)'/.exec(message)?.[1];
	if (key === "PRIMARY") return ["id"];
	const index = metadata.indices.find(({ name }) => name === key);
	return index?.columns.map((column) => column.propertyName) ?? [];
}

/** The entity that a foreign key points to; a server that may not show the key does not tell which. */
function missingParent(message: string, metadata: EntityMetadata): string {
	const table = /REFERENCES `(?:[^`]+`\.`)?([^`]+)`/.exec(message)?.[1];
	const parents = metadata.foreignKeys.map((key) => key.referencedEntityMetadata);
	const known = parents.filter((parent) => parent.tableName === table);
	return [...new Set((known.length ? known : parents).map(({ name }) => name))].join(" or ");
}

function property(message: string, metadata: EntityMetadata): string {
	const column = /(?:column|CONSTRAINT) [`']?(?:[\w$-]+`?\.`?)*([\w$-]+)[`']?/i.exec(message)?.[1];
	return metadata.columns.find(({ databaseName }) => databaseName === column)?.propertyName ?? column ?? "value";
}
