import { type EntityMetadata, QueryFailedError } from "typeorm";
import {
	AlreadyExistsError,
	BusyError,
	IdsExhaustedError,
	InvalidValueError,
	NotFoundError,
	NotMigratedError,
	ValueTooLongError,
} from "../../errors";
import { ERROR, errorNumber } from "../../mysql/errorNumbers";
import { serverFailure } from "../../mysql/failure";
import { withoutSecrets } from "../../mysql/redact";
import type { EntityClass, Prepared } from "./statement";

type Failed = Pick<Prepared<unknown>, "sql" | "entityName" | "metadata">;

/** Other sessions held what was needed, until the server gave up. */
const BUSY: ReadonlySet<number> = new Set([
	ERROR.LOCK_DEADLOCK,
	ERROR.LOCK_WAIT_TIMEOUT,
	ERROR.CHECKREAD,
	ERROR.AUTOINC_READ_FAILED,
]);

/** Out of range, not a value of the ENUM, not of the column's type or character set, NULL, not JSON. */
const INVALID: ReadonlySet<number> = new Set([
	ERROR.BAD_NULL_ERROR,
	ERROR.WARN_DATA_OUT_OF_RANGE,
	ERROR.WARN_DATA_TRUNCATED,
	ERROR.TRUNCATED_WRONG_VALUE_FOR_FIELD,
	ERROR.INVALID_JSON_TEXT,
	ERROR.JSON_DOCUMENT_TOO_DEEP,
	ERROR.CONSTRAINT_FAILED,
]);

/**
 * What a failed statement is to the caller: an error of this package where the server's number means one, else TypeORM's
 * `QueryFailedError`. Neither holds a value of the statement's, nor does its cause.
 */
export function translate(error: unknown, { sql, entityName, metadata }: Failed): Error {
	const cause = withoutSecrets(error) as Error;
	const { message } = cause;
	const number = errorNumber(cause);
	if (BUSY.has(number)) return new BusyError({ cause });
	if (INVALID.has(number)) {
		return new InvalidValueError(entityName, property(message, metadata), "a value that its column takes", { cause });
	}
	switch (number) {
		case ERROR.DUP_ENTRY: {
			const properties = uniqueProperties(message, metadata);
			// No statement gives an id, so only the last one of all can be there already.
			if (properties?.[0] === "id") return new IdsExhaustedError(entityName, { cause });
			return new AlreadyExistsError(entityName, properties ?? [], { cause });
		}
		case ERROR.AUTOINC_OUT_OF_RANGE:
			return new IdsExhaustedError(entityName, { cause });
		case ERROR.NO_REFERENCED_ROW:
		case ERROR.NO_REFERENCED_ROW_2:
			return new NotFoundError(missingParent(message, metadata), { cause });
		case ERROR.NO_SUCH_TABLE:
		case ERROR.BAD_FIELD_ERROR:
		case ERROR.KEY_DOES_NOT_EXIST:
			return new NotMigratedError(entityName, { cause });
		case ERROR.NET_PACKET_TOO_LARGE:
			// Everything but the details has a bound that is checked before.
			return new ValueTooLongError(entityName, "details", { unit: "bytes" }, { cause });
		case ERROR.DATA_TOO_LONG:
			return new ValueTooLongError(entityName, property(message, metadata), { unit: "characters" }, { cause });
		default:
			return serverFailure(cause) ?? new QueryFailedError(sql, undefined, cause);
	}
}

/** The properties of the unique index that the server names as `table.index` or `index`. */
function uniqueProperties(message: string, metadata: EntityMetadata): string[] | undefined {
	const key = /for key '(?:[^'.]*\.)?([^']*)'/.exec(message)?.[1];
	if (key === "PRIMARY") return metadata.primaryColumns.map(({ propertyName }) => propertyName);
	const index = metadata.indices.find(({ name }) => name === key);
	return index?.columns.map((column) => column.propertyName);
}

/**
 * The entity that a foreign key points to; a server that may not show the key does not say which. An application's session
 * may have names without quotes, or between double ones.
 */
function missingParent(message: string, metadata: EntityMetadata): string {
	const table = / REFERENCES (?:.*\.)?[`"]?(\w+)[`"]? \(/.exec(message)?.[1];
	const parents = metadata.foreignKeys.map((key) => key.referencedEntityMetadata);
	const known = parents.filter((parent) => parent.tableName === table);
	const names = (known.length ? known : parents).map(({ target }) => (target as EntityClass).entityName);
	return [...new Set(names)].join(" or ");
}

function property(message: string, metadata: EntityMetadata): string {
	const column = /(?:column|CONSTRAINT) [`'"]?(?:[\w$-]+[`"]?\.[`"]?)*([\w$-]+)[`'"]?/i.exec(message)?.[1];
	return metadata.columns.find(({ databaseName }) => databaseName === column)?.propertyName ?? column ?? "value";
}
