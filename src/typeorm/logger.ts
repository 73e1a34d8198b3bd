import type { Logger } from "typeorm";
import { errorNumber } from "../mysql/errorNumbers";
import { redactMessage, redactSql } from "../mysql/redact";

/** TypeORM's logger, with a switch. */
export interface ModuleLogger extends Logger {
	/** Whether statements are printed. */
	logsQueries: boolean;
}

/** A migration and whether it was run, in the form of `migration:show`. */
const SHOWN_MIGRATION = /^\[[ X]\] /;

/**
 * A logger that prints what migrations report, what `migration:show` lists, warnings, and statements only where that is
 * set. It never prints a value. TypeORM's commands set `logging`, which an object overrides. Its functions use no
 * `this`, so that an object made from it can replace some of them.
 */
export function createLogger(write: (line: string) => void = console.log): ModuleLogger {
	const logger: ModuleLogger = {
		logsQueries: false,
		logQuery(sql, parameters) {
			if (logger.logsQueries) write(`query: ${statement(sql)}${count(parameters)}`);
		},
		logQueryError(error, sql, parameters) {
			if (!logger.logsQueries) return;
			write(`query failed: ${statement(sql)}${count(parameters)}: ${messageOf(error)}`);
		},
		logQuerySlow(milliseconds, sql, parameters) {
			write(`slow query, ${milliseconds} ms: ${statement(sql)}${count(parameters)}`);
		},
		logSchemaBuild(message) {
			if (SHOWN_MIGRATION.test(message)) write(message);
		},
		logMigration(message) {
			write(message);
		},
		log(level, message) {
			write(level === "warn" ? `warning: ${message}` : String(message));
		},
	};
	return logger;
}

function statement(sql: string): string {
	return redactSql(sql).replaceAll(/\s+/g, " ").trim();
}

function count(parameters: unknown): string {
	const values = Array.isArray(parameters) ? parameters.length : 0;
	return values ? ` -- ${values} value${values === 1 ? "" : "s"}` : "";
}

function messageOf(error: string | Error): string {
	if (typeof error === "string") return redactMessage(error, 0);
	return redactMessage(error.message, errorNumber(error));
}
