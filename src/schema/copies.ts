/** Begins the names of the copies on which changes are tried, so that those of a run that was killed are known. */
export const COPY_PREFIX = "dployr_trial_of_";

const COPIES =
	"FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() " +
	`AND TABLE_NAME LIKE '${COPY_PREFIX.replaceAll("_", "|_")}%' ESCAPE '|'`;

/** Lists the copies that are there. */
export const LIST_COPIES = `SELECT TABLE_NAME AS name ${COPIES}`;

/** Counts them. */
export const COUNT_COPIES = `SELECT COUNT(*) ${COPIES}`;
