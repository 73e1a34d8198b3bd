import type { Environment } from "./environment";
import { failFor } from "./setting";
import { SETTINGS, type SettingName } from "./table";
import type { UrlParts } from "./url";

/** Where a setting in force comes from. */
export interface Origin {
	readonly kind: "option" | "variable" | ".env" | "default";
	/** The option or variable that it was read from: `DB_HOST`, or `DATABASE_URL`. */
	readonly name: string;
}

/** A setting's value, checked. */
export interface Found {
	readonly value: unknown;
	readonly origin: Origin;
	/** How strong its source is: 0 for an option, more for what counts less. */
	readonly rank: number;
}

interface Source {
	readonly rank: number;
	/** Undefined where it does not set it. */
	get(name: SettingName): { readonly given: unknown; readonly origin: Origin } | undefined;
}

const LAST = Number.POSITIVE_INFINITY;

/**
 * Where settings are looked for, strongest first: options, parts of the option `url`, variables of the process, those
 * of the `.env` file, parts of `DATABASE_URL`.
 */
export class Sources {
	readonly notices: string[] = [];
	readonly #sources: readonly Source[];

	constructor(options: Readonly<Partial<Record<SettingName, unknown>>>, { variables, file }: Environment) {
		const fromProcess = (name: SettingName) => variables[SETTINGS[name].variable];
		const fromFile = (name: SettingName) => {
			const { variable } = SETTINGS[name];
			return Object.hasOwn(variables, variable) ? undefined : file[variable];
		};
		const named = (kind: Origin["kind"]) => (name: SettingName) => ({ kind, name: SETTINGS[name].variable });
		const own = [
			source(
				0,
				(name) => options[name],
				(name) => ({ kind: "option", name }),
			),
			source(1, fromProcess, named("variable")),
			source(2, fromFile, named(".env")),
		];
		const [byOption, ...byVariable] = own.map((one) => this.#partsOf(one, own));
		this.#sources = [own[0], byOption, own[1], own[2], ...byVariable].filter((one) => one !== undefined);
	}

	/** @throws SettingsError in the name of the setting's variable. */
	find(name: SettingName): Found | undefined {
		const { variable, parse, default: standard } = SETTINGS[name];
		for (const { rank, get } of this.#sources) {
			const entry = get(name);
			if (!entry) continue;
			const { given, origin } = entry;
			const fail = failFor(origin.name === "DATABASE_URL" && name !== "url" ? `DATABASE_URL (${variable})` : variable);
			return { value: parse(given, fail), origin, rank };
		}
		return standard === undefined ? undefined : { value: standard, origin: { kind: "default", name }, rank: LAST };
	}

	/** The URL that a source has, as a source of its own; an option is as strong as the others. */
	#partsOf({ get, rank }: Source, own: readonly Source[]): Source | undefined {
		const entry = get("url");
		if (!entry) return undefined;
		const { given, origin } = entry;
		const fail = failFor("DATABASE_URL");
		// Loaded for a URL only: a command that finds nothing to do loads little.
		const { readUrl } = require("./url") as typeof import("./url");
		const url = readUrl(SETTINGS.url.parse(given, fail), fail);
		if (!url) {
			if (origin.kind === "option") return fail("must begin with mysql:// or mariadb://");
			const isElsewhere = own.some((one) => one.get("host") ?? one.get("socketPath"));
			if (!isElsewhere) this.notices.push("DATABASE_URL is not used: it does not begin with mysql:// or mariadb://");
			return undefined;
		}
		this.#remarkParameters(url, own);
		return source(
			rank === 0 ? 0 : LAST,
			(name) => url.parts[name],
			() => ({ ...origin, name: origin.kind === "option" ? "url" : "DATABASE_URL" }),
		);
	}

	/** Who asks for encryption must not go without it. */
	#remarkParameters({ parameters }: UrlParts, own: readonly Source[]): void {
		const encryption = parameters.find((parameter) => /ssl|tls/i.test(parameter));
		if (encryption && !own.some((one) => one.get("tls") ?? one.get("tlsCa"))) {
			failFor("DATABASE_URL")(`its parameter ${encryption} is not used: set DB_TLS to verify or require, or to off`);
		}
		const others = parameters.filter((parameter) => parameter !== encryption);
		if (others.length) this.notices.push(`DATABASE_URL: its parameters are not used: ${others.join(", ")}`);
	}
}

function source(rank: number, read: (name: SettingName) => unknown, originOf: (name: SettingName) => Origin): Source {
	return {
		rank,
		get(name) {
			const given = read(name);
			// What is set to nothing counts as not set.
			if (given === undefined || given === null || given === "") return undefined;
			return { given, origin: originOf(name) };
		},
	};
}
