/** The values of an ENUM type in order, escaped as they are written in SQL; null for another type. */
export function enumValues(type: string): string[] | null {
	if (!type.startsWith("enum(")) return null;
	return [...type.matchAll(/'((?:[^']|'')*)'/g)].map((match) => match[1] ?? "");
}

export function enumType(values: readonly string[]): string {
	return `enum(${values.map((value) => `'${value}'`).join(",")})`;
}

/** The values that only one of two ENUM types has. */
export function valuesBeyond(type: string, other: string): string[] {
	const known = enumValues(other) ?? [];
	return (enumValues(type) ?? []).filter((value) => !known.includes(value));
}

/** The type that holds what both hold without losing a value, or null where there is none. */
export function reconcileTypes(found: string, wanted: string): string | null {
	if (found === wanted) return found;
	const foundValues = enumValues(found);
	if (foundValues && enumValues(wanted)) return enumType([...foundValues, ...valuesBeyond(wanted, found)]);
	const [foundBase, foundLength] = sized(found);
	const [wantedBase, wantedLength] = sized(wanted);
	return foundBase && foundBase === wantedBase && foundLength < wantedLength ? wanted : null;
}

function sized(type: string): [base: string | undefined, length: number] {
	const [, base, length] = /^(varchar|varbinary)\((\d+)\)$/.exec(type) ?? [];
	return [base, Number(length)];
}
