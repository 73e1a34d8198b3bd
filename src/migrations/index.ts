import { CreateWorkspaceTables1795478400000 } from "./1795478400000-CreateWorkspaceTables";
import { KeepOneGlobalResourceLimit1795478401000 } from "./1795478401000-KeepOneGlobalResourceLimit";
import { AddCodeServerPassword1795478402000 } from "./1795478402000-AddCodeServerPassword";
import { AddForceDeleteAction1795478403000 } from "./1795478403000-AddForceDeleteAction";
import { AddQueryIndexes1795478404000 } from "./1795478404000-AddQueryIndexes";

/**
 * Every migration, in the order in which they run, for an application with a DataSource of its own.
 *
 * @example
 * const own = new DataSource({ type: "mariadb", url: "mysql://…", entities: [Note, ...entities], migrations });
 * await migrate(await own.initialize());
 */
export const migrations = [
	CreateWorkspaceTables1795478400000,
	KeepOneGlobalResourceLimit1795478401000,
	AddCodeServerPassword1795478402000,
	AddForceDeleteAction1795478403000,
	AddQueryIndexes1795478404000,
];
