import { types } from "node:util";
import type { ColumnMetadata } from "typeorm/metadata/ColumnMetadata.js";
import { InvalidValueError, ValueTooLongError } from "../../errors";

/** Takes a value as a caller gave it, and returns it as it is sent; throws where it does not fit. */
export type Check = (value: unknown) => unknown;

const INT = { least: -(2 ** 31), most: 2 ** 31 - 1 };
/** The last second that a TIMESTAMP holds on every engine, since 1970. */
export const LAST_INSTANT = 2 ** 31 - 1;
const TEXT_BYTES = 65_535;

/**
 * The check of a parameter, by the column whose property it is named after; a name that is no property takes what
 * its ending says (see `ParametersOf`). What is undefined, null, or a list or an object by mistake is
 * refused: no condition gets wider by it.
 */
export function checkFor(entity: string, name: string, column: ColumnMetadata | undefined): Check {
	const refuse = (expected: string, value: unknown) => refusal(entity, name, expected, value);
	if (column) return checkByType(entity, name, column, refuse);
	if (name.endsWith("Ids")) return (value) => checkList(value, refuse);
	if (name.endsWith("Json")) return (value) => checkString(value, refuse);
	if (name.endsWith("Than")) return (value) => checkInstant(value, refuse);
	return (value) => checkInteger(value, refuse);
}

/** @param expected what is taken */
export function refusal(entity: string, property: string, expected: string, value: unknown): InvalidValueError {
	return new InvalidValueError(entity, property, `${expected}${got(value, expected)}`);
}

/** Never the value itself, which may be a secret in the wrong place. */
function got(value: unknown, expected: string): string {
	if (typeof value !== "string") return value === undefined ? ": it is missing" : "";
	if (/\binteger/.test(expected)) return ": got a string; use Number()";
	return /\bDate\b/.test(expected) ? ": got a string; use new Date()" : "";
}

type Refuse = (expected: string, value: unknown) => Error;

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
				throw refuse(`one of ${column.enum?.join(", ")}`, value);
			};
		case "varbinary":
			return (value) => {
				if (!Buffer.isBuffer(value)) throw refuse("a Buffer", value);
				if (value.length > length) throw new ValueTooLongError(entity, name, { maximum: length, unit: "bytes" });
				return value;
			};
		case "text":
			return (value) => {
				const text = checkString(value, refuse);
				if (Buffer.byteLength(text) > TEXT_BYTES)
					throw new ValueTooLongError(entity, name, { maximum: TEXT_BYTES, unit: "bytes" });
				return value;
			};
		case "varchar":
			return (value) => {
				if (isLonger(checkString(value, refuse), length))
					throw new ValueTooLongError(entity, name, { maximum: length, unit: "characters" });
				return value;
			};
		default:
			return (value) => checkString(value, refuse);
	}
}

function checkString(value: unknown, refuse: Refuse): string {
	if (typeof value === "string") return value;
	throw refuse("a string", value);
}

function checkList(value: unknown, refuse: Refuse): number[] {
	if (!Array.isArray(value)) throw refuse("a list of integers", undefined);
	return value.map((item) => checkInteger(item, refuse));
}

function checkInteger(value: unknown, refuse: Refuse): number {
	if (Number.isInteger(value) && (value as number) >= INT.least && (value as number) <= INT.most)
		return value as number;
	throw refuse("an integer of 32 bits", value);
}

/** As seconds since 1970: what they mean does not depend on a time zone. */
function checkInstant(value: unknown, refuse: Refuse): number {
	if (types.isDate(value)) {
		const seconds = Math.floor(value.getTime() / 1000);
		if (seconds >= 1 && seconds <= LAST_INSTANT) return seconds;
	}
	throw refuse("a Date from 1970 to 2038-01-19", value);
}

/** In characters as the server counts them; a string has at least as many code units. */
function isLonger(value: string, length: number): boolean {
	return value.length > length && [...value].length > length;
}
