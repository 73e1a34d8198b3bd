import type { DataSource, QueryRunner } from "typeorm";
import type { Progress, Step } from "../schema/context";
import { openSideConnection, type SideConnection } from "./sideConnection";

/** While a step runs, about once a second. */
export interface StepRunning extends Step {
	readonly kind: "stepRunning";
	/** Since it began. */
	readonly seconds: number;
	/** How much of it the server says is done, 0 to 100, where it says so; its stages count alike. */
	readonly percent?: number;
}

/** Milliseconds. A step that is done sooner is not followed. */
const EVERY = 1_000;

/** Follows a run over a connection of its own, which is opened when a step takes longer than a second. */
export class RunWatch {
	readonly #session: Session;
	readonly #emit: (event: StepRunning) => void;
	#side: SideConnection | undefined;
	#timer: NodeJS.Timeout | undefined;
	#interruption: Promise<void> | undefined;
	#failure: unknown;

	constructor(session: Session, emit: (event: StepRunning) => void) {
		this.#session = session;
		this.#emit = emit;
	}

	/** To be called with what the run emits. Throws what the listener threw meanwhile. */
	follow(event: Progress | { readonly kind: "stepRunning" | "removing" | "note" | "upToDate" | "report" }): void {
		if (this.#failure !== undefined) throw this.#failure;
		clearInterval(this.#timer);
		if (event.kind === "step") this.#start(event);
	}

	/**
	 * Ends the statement in progress on the server, which rolls it back as a whole. Where the server does not allow it, as
	 * on a Galera cluster, the statement runs to its end.
	 */
	interrupt(): void {
		this.#interruption ??= this.#connection()
			.query(`KILL QUERY ${this.#session.threadId}`)
			.then(
				() => undefined,
				() => undefined,
			);
	}

	/** Settled once no later statement can be ended any more. */
	async settled(): Promise<void> {
		await this.#interruption;
	}

	close(): void {
		clearInterval(this.#timer);
		this.#side?.close();
	}

	#connection(): SideConnection {
		this.#side ??= openSideConnection(this.#session.dataSource);
		return this.#side;
	}

	#start(step: Step): void {
		const begin = performance.now();
		let percent: number | undefined;
		let isAsked = false;
		this.#timer = setInterval(() => {
			const seconds = Math.round((performance.now() - begin) / 1000);
			this.#emitSafely({ ...step, kind: "stepRunning", seconds, ...(percent === undefined ? {} : { percent }) });
			if (isAsked) return;
			isAsked = true;
			void readPercent(this.#connection(), this.#session).then((found) => {
				percent = found;
				isAsked = false;
			});
		}, EVERY);
	}

	/** Nobody could catch what a listener throws in a timer. */
	#emitSafely(event: StepRunning): void {
		try {
			this.#emit(event);
		} catch (error) {
			this.#failure ??= error;
		}
	}
}

/** The session that a run works in. */
interface Session {
	readonly dataSource: DataSource;
	readonly threadId: number;
}

export async function sessionOf(queryRunner: QueryRunner): Promise<Session> {
	const { threadId } = (await queryRunner.connect()) as { readonly threadId: number };
	return { dataSource: queryRunner.dataSource, threadId };
}

/** MariaDB shows it of every session that the user may see; MySQL where its stage events are on and may be read. */
const PERCENT = {
	mariadb:
		"SELECT (100 * (STAGE - 1) + PROGRESS) / MAX_STAGE AS percent FROM information_schema.PROCESSLIST " +
		"WHERE ID = ? AND MAX_STAGE > 0",
	mysql:
		"SELECT 100 * stage.WORK_COMPLETED / NULLIF(stage.WORK_ESTIMATED, 0) AS percent " +
		"FROM performance_schema.events_stages_current AS stage " +
		"JOIN performance_schema.threads AS thread USING (THREAD_ID) WHERE thread.PROCESSLIST_ID = ?",
} as const;

async function readPercent(side: SideConnection, { dataSource, threadId }: Session): Promise<number | undefined> {
	const sql = dataSource.options.type === "mariadb" ? PERCENT.mariadb : PERCENT.mysql;
	const rows = await side.query<{ percent: unknown }[]>(sql, [threadId]).catch(() => []);
	const percent = Number(rows[0]?.percent ?? Number.NaN);
	return Number.isFinite(percent) ? Math.min(Math.max(percent, 0), 100) : undefined;
}
