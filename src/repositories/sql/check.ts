import { types } from "node:util";
import type { ColumnMetadata } from "typeorm/metadata/ColumnMetadata.js";
import { InvalidValueError, ValueTooLongError } from "../../errors";

/** Takes a value as a caller gave it, and returns it as it is sent; throws where it is none that fits. */
export type Check = (value: unknown) => unknown;

const INT = { least: -(2 ** 31), most: 2 ** 31 - 1 };
/** What a TIMESTAMP holds on every engine, in milliseconds. */
const INSTANT = { least: 1_000, most: (2 ** 31 - 1) * 1_000 };
const TEXT_BYTES = 65_535;

/** Parameters that are no column's; every other such one is an integer. */
const LISTS = new Set(["workspaceIds"]);
const INSTANTS = new Set(["olderThan"]);

/**
 * The check of a parameter, by the column whose property it is named after. What is undefined, null, or a list or an
 * object by mistake is refused: no condition gets wider by it.
 */
export function checkFor(entity: string, name: string, column: ColumnMetadata | undefined): Check {
	const refuse = (expected: string) => new InvalidValueError(entity, name, expected);
	if (!column) {
		if (LISTS.has(name)) return (value) => checkList(value, refuse);
		if (INSTANTS.has(name)) return (value) => checkInstant(value, refuse);
		return (value) => checkInteger(value, refuse);
	}
	return checkByType(entity, name, column, refuse);
}

type Refuse = (expected: string) => Error;

function checkByType(entity: string, name: string, column: ColumnMetadata, refuse: Refuse): Check {
	const length = Number(column.length);
	switch (column.type) {
		case "int":
			return (value) => checkInteger(value, refuse);
		case "timestamp":
			return (value) => checkInstant(value, refuse);
		case "enum":
			return (value) => {
				if (column.enum?.includes(value as string)) return value;
				throw refuse(`one of ${column.enum?.join(", ")}`);
			};
		case "varbinary":
			return (value) => {
				if (!Buffer.isBuffer(value)) throw refuse("a Buffer");
				if (value.length > length) throw new ValueTooLongError(entity, name, length, "bytes");
				return value;
			};
		case "text":
			return (value) => {
				if (typeof value !== "string") throw refuse("a string");
				if (Buffer.byteLength(value) > TEXT_BYTES) throw new ValueTooLongError(entity, name, TEXT_BYTES, "bytes");
				return value;
			};
		case "varchar":
			return (value) => {
				if (typeof value !== "string") throw refuse("a string");
				if (isLonger(value, length)) throw new ValueTooLongError(entity, name, length, "characters");
				return value;
			};
		default:
			return (value) => {
				if (typeof value !== "string") throw refuse("a string");
				return value;
			};
	}
}

function checkList(value: unknown, refuse: Refuse): number[] {
	if (!Array.isArray(value)) throw refuse("a list of integers");
	return value.map((item) => checkInteger(item, refuse));
}

function checkInteger(value: unknown, refuse: Refuse): number {
	if (Number.isInteger(value) && (value as number) >= INT.least && (value as number) <= INT.most)
		return value as number;
	throw refuse("an integer of 32 bits");
}

/** As seconds since 1970: what they mean does not hang on a time zone. */
function checkInstant(value: unknown, refuse: Refuse): number {
	if (types.isDate(value)) {
		const time = value.getTime();
		if (time >= INSTANT.least && time <= INSTANT.most) return Math.floor(time / 1000);
	}
	throw refuse("a Date from 1970 to 2038-01-19");
}

/** In characters as the server counts them; a string has at least as many code units. */
function isLonger(value: string, length: number): boolean {
	return value.length > length && [...value].length > length;
}
