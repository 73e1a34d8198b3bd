import { type EntityMetadata, QueryFailedError } from "typeorm";
import { AlreadyExistsError, InvalidValueError, NotFoundError, ValueTooLongError } from "../../errors";
import { ERROR, errorNumber } from "../../mysql/errorNumbers";
import { serverFailure } from "../../mysql/failure";
import { withoutSecrets } from "../../mysql/redact";

/**
 * What a failed statement is to the caller: an error of this package where the server's number means one, else TypeORM's
 * `QueryFailedError`. Neither holds a value of the statement's, nor does its cause.
 *
 * @param sql with placeholders for values
 */
export function translate(error: unknown, sql: string, metadata: EntityMetadata): Error {
	const cause = withoutSecrets(error) as Error;
	const { name, message } = { name: metadata.name, message: cause.message };
	switch (errorNumber(cause)) {
		case ERROR.DUP_ENTRY:
			return new AlreadyExistsError(name, uniqueProperties(message, metadata), { cause });
		case ERROR.NO_REFERENCED_ROW:
		case ERROR.NO_REFERENCED_ROW_2:
			return new NotFoundError(missingParent(message, metadata), { cause });
		case ERROR.DATA_TOO_LONG:
			return new ValueTooLongError(name, property(message, metadata), undefined, "characters", { cause });
		// Out of range, not a value of the ENUM, not of the column's type or character set, NULL, not JSON.
		case ERROR.BAD_NULL_ERROR:
		case ERROR.WARN_DATA_OUT_OF_RANGE:
		case ERROR.WARN_DATA_TRUNCATED:
		case ERROR.TRUNCATED_WRONG_VALUE_FOR_FIELD:
		case ERROR.INVALID_JSON_TEXT:
		case ERROR.CONSTRAINT_FAILED:
			return new InvalidValueError(name, property(message, metadata), "a value that its column takes", { cause });
		default:
			return serverFailure(cause) ?? new QueryFailedError(sql, undefined, cause);
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
