import type { EntityManager } from "typeorm";
import type { EncryptedSecret, Workspaces, WorkspacesDataSource } from "../../src";
import type { TestDatabase } from "../../src/testing";

/** What the examples of the docstrings take as given: a dashboard's request, its Docker, and what this package made. */
export declare const db: Workspaces;
export declare const testDb: TestDatabase;
export declare const dataSource: WorkspacesDataSource;
export declare const manager: EntityManager;
export declare const error: unknown;

export declare const id: number;
export declare const workspaceId: number;
export declare const previewId: number;
export declare const userId: number;
export declare const previewHash: string;
export declare const port: number;

export declare const docker: {
	list(): Promise<{ id: string; label: string; port: number }[]>;
	run(options: { name: string; port: number }): Promise<{ id: string }>;
	remove(container: string): Promise<void>;
};
export declare const container: { id: string; name: string };
export declare function encrypt(text: string): Pick<EncryptedSecret, "encrypted" | "iv">;
export declare function decrypt(encrypted: Buffer, iv: Buffer): string;
export declare function compare(password: string | undefined, hash: string): Promise<boolean>;

export declare const req: {
	user: { id: number };
	params: Partial<Record<string, string>>;
	query: Partial<Record<string, string>>;
	body: Partial<Record<string, string>>;
};
export declare const res: {
	status(code: number): typeof res;
	set(header: string, value: string): typeof res;
	json(body: unknown): typeof res;
	render(view: string, values: object): void;
	redirect(address: string): void;
	end(): typeof res;
};
export declare function next(error: unknown): void;
export declare const server: { close(done: () => void): void };

/** An entity of the application's own. */
export declare class Note {
	id: number;
}
