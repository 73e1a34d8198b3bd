import { type ArgumentsHost, Catch, type ExceptionFilter } from "@nestjs/common";
import { WorkspacesError, type WorkspacesErrorCode } from "dployr-workspaces-db";

const STATUS: Partial<Record<WorkspacesErrorCode, number>> = {
	NOT_FOUND: 404,
	ALREADY_EXISTS: 409,
	INVALID_TRANSITION: 409,
	LIMIT_REACHED: 403,
	INVALID_VALUE: 400,
	VALUE_TOO_LONG: 400,
	NO_FREE_PORT: 503,
	CONNECTION_FAILED: 503,
	CONNECTION_LOST: 503,
};

interface Response {
	status(code: number): { json(body: object): void };
}

/** The package's errors as answers: their messages hold no values, so that a user may read them. */
@Catch(WorkspacesError)
export class WorkspacesErrorFilter implements ExceptionFilter<WorkspacesError> {
	catch({ code, message }: WorkspacesError, host: ArgumentsHost): void {
		host
			.switchToHttp()
			.getResponse<Response>()
			.status(STATUS[code] ?? 500)
			.json({ code, message });
	}
}
