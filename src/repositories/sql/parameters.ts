import type { EntityMetadata } from "typeorm";
import { type Check, checkFor } from "./check";

type Lower = "abcdefghijklmnopqrstuvwxyz";
type Characters<Text extends string> = Text extends `${infer First}${infer Rest}` ? First | Characters<Rest> : never;
type Letter = Characters<Lower> | Uppercase<Characters<Lower>>;

/** The name at the start of a text, and what follows it. */
type Name<Text extends string, Taken extends string = ""> = Text extends `${infer First}${infer Rest}`
	? First extends Letter
		? Name<Rest, `${Taken}${First}`>
		: [Taken, Text]
	: [Taken, ""];

/** Each `:name` and `:name?` of a text, the latter with its question mark. */
type Placeholders<Text extends string, Found extends string = never> = Text extends `${string}:${infer Behind}`
	? Name<Behind> extends [infer Taken extends string, infer Rest extends string]
		? Placeholders<Rest, Taken extends "" ? Found : Rest extends `?${string}` ? Found | `${Taken}?` : Found | Taken>
		: never
	: Found;

type Value<Entity, Parameter extends string> = Parameter extends keyof Entity
	? NonNullable<Entity[Parameter]>
	: Parameter extends `${string}Ids`
		? readonly number[]
		: Parameter extends `${string}Json`
			? string
			: Parameter extends `${string}Than`
				? Date
				: number;

type NameOf<Placeholder extends string> = Placeholder extends `${infer Parameter}?` ? Parameter : Placeholder;

/**
 * The values that a statement needs, from the `:name`s in its text: a missing or an unknown one does not compile. A name
 * that is a property of the entity has its type, one that ends with `Ids` is a list of integers, one that ends with
 * `Json` a text, with `Than` an instant, every other one an integer; `:name?` takes null as well. A text that the compiler
 * does not know takes any values.
 */
export type ParametersOf<Entity, Text extends string> = string extends Text
	? Readonly<Record<string, unknown>>
	: {
			readonly [Placeholder in Placeholders<Text> as NameOf<Placeholder>]:
				| Value<Entity, NameOf<Placeholder>>
				| (Placeholder extends `${string}?` ? null : never);
		};

export interface Parameter {
	readonly name: string;
	readonly check: Check;
	/** Whether no log may show it. */
	readonly isSecret: boolean;
}

const PLACEHOLDER = /(?<![\w:'])(?::)([a-z]+)(\??)/gi;

/** Replaces each `:name` by a question mark, and returns the parameters in their order. */
export function parseParameters(
	text: string,
	entityName: string,
	metadata: EntityMetadata,
): { sql: string; parameters: Parameter[] } {
	const parameters: Parameter[] = [];
	const sql = text.replaceAll(PLACEHOLDER, (_, name: string, nullable: string) => {
		const column = metadata.findColumnWithPropertyName(name);
		const notNull = checkFor(entityName, name, column);
		const check: Check = nullable ? (value) => (value === null ? null : notNull(value)) : notNull;
		parameters.push({ name, check, isSecret: column?.isSelect === false });
		return "?";
	});
	return { sql, parameters };
}

/** SQL that has no parameter: the compiler takes it for an empty text, so that the text around it stays known to it. */
export function fragment(sql: string): "" {
	return sql as "";
}
