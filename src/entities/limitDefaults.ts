/**
 * What a user may use: every limit has a value.
 *
 * @example
 * const limits: EffectiveLimits = await db.limits.findEffective(userId);
 * console.log(`${limits.defaultCpu} CPUs, ${limits.defaultRam} of memory`);
 */
export interface EffectiveLimits {
	/** How many workspaces the user may have. */
	maxWorkspaces: number;
	/** Number of CPUs of a new workspace, as Docker reads it. */
	defaultCpu: string;
	/** Memory of a new workspace, as Docker reads it. */
	defaultRam: string;
	/** Disk space of a new workspace, as Docker reads it. */
	defaultDisk: string;
	/** Minutes without activity after which a new workspace is stopped; 0 means `WORKSPACE_DEFAULTS.idleTimeoutMinutes`. */
	defaultIdleTimeout: number;
	/** Previews of one workspace that may be creating or running at a time. */
	maxPreviewsPerWorkspace: number;
	/** Hours after which a new preview expires. */
	defaultPreviewLifetimeHours: number;
}

/** What counts where neither the user's row nor the global one says anything; the defaults of the columns as well. */
export const LIMIT_DEFAULTS: Readonly<EffectiveLimits> = {
	maxWorkspaces: 2,
	defaultCpu: "1",
	defaultRam: "2g",
	defaultDisk: "10g",
	defaultIdleTimeout: 30,
	maxPreviewsPerWorkspace: 3,
	defaultPreviewLifetimeHours: 24,
};

/** The defaults of the columns of `workspaces` that say when one is stopped; NULL and 0 there mean the same. */
export const WORKSPACE_DEFAULTS = {
	idleTimeoutMinutes: LIMIT_DEFAULTS.defaultIdleTimeout,
	maxLifetimeHours: 24,
} as const;
