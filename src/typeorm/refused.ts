import { RefusedOperationError } from "../errors";

/** The error of an operation that would also change or empty the tables of the dashboard. */
export function refused(operation: string): RefusedOperationError {
	return new RefusedOperationError(
		`${operation} is refused: the database also holds the dashboard's tables. ` +
			"Change this package's tables through migrations (migration:run, migration:revert)",
	);
}
