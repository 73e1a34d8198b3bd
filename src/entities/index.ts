import { DashboardUser } from "./DashboardUser";
import { explainToOlderTypeorm } from "./otherTypeorm";
import { PreviewEnvironment } from "./PreviewEnvironment";
import { ResourceLimit } from "./ResourceLimit";
import { UserApiKey } from "./UserApiKey";
import { Workspace } from "./Workspace";
import { WorkspaceLog } from "./WorkspaceLog";

/**
 * Every entity of the package, for an application with a DataSource of its own.
 *
 * @example
 * const own = new DataSource({ type: "mariadb", url: "mysql://…", entities: [Note, ...entities], migrations });
 */
export const entities = [DashboardUser, Workspace, UserApiKey, PreviewEnvironment, WorkspaceLog, ResourceLimit];

export { DashboardUser, PreviewEnvironment, ResourceLimit, UserApiKey, Workspace, WorkspaceLog };

// Beside the decorators, which are what an older copy stumbles over.
explainToOlderTypeorm();
