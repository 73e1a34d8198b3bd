/** What the value of a server variable means for this package. */
interface Finding {
	readonly text: string;
	/** Whether a run fails or is refused because of it. */
	readonly isProblem: boolean;
}

const problem = (text: string): Finding => ({ text, isProblem: true });
const remark = (text: string): Finding => ({ text, isProblem: false });
const isOn = (value: string) => /^(ON|1|YES)$/i.test(value);

const READ_ONLY = (value: string) =>
	isOn(value) ? problem("nothing can be changed here; connect to the server that takes writes") : undefined;
const PRIMARY_KEY = (value: string) =>
	isOn(value) ? remark("tables without a primary key cannot be created") : undefined;
const SHOWN = () => undefined;

/** The server variables that `doctor` shows, and what it says of a value; names in lower case. */
export const VARIABLES: Readonly<Record<string, (value: string) => Finding | undefined>> = {
	read_only: READ_ONLY,
	super_read_only: READ_ONLY,
	innodb_read_only: READ_ONLY,
	transaction_read_only: READ_ONLY,
	sql_require_primary_key: PRIMARY_KEY,
	innodb_force_primary_key: PRIMARY_KEY,
	lower_case_table_names: SHOWN,
	explicit_defaults_for_timestamp: SHOWN,
	sql_mode: SHOWN,
	time_zone: SHOWN,
	system_time_zone: SHOWN,
	character_set_server: SHOWN,
	collation_server: SHOWN,
	foreign_key_checks: (value) => (isOn(value) ? undefined : remark("other programs can store rows without a parent")),
	sql_safe_updates: SHOWN,
	max_statement_time: SHOWN,
	max_execution_time: SHOWN,
	lock_wait_timeout: SHOWN,
	innodb_lock_wait_timeout: SHOWN,
	innodb_online_alter_log_max_size: (value) =>
		Number(value) < 64 * 1024 * 1024
			? remark("an ALTER in place fails when more than this is written to the table meanwhile")
			: undefined,
	max_connections: SHOWN,
	max_allowed_packet: SHOWN,
	wait_timeout: SHOWN,
	require_secure_transport: SHOWN,
	performance_schema: SHOWN,
	progress_report_time: SHOWN,
	wsrep_on: SHOWN,
	wsrep_osu_method: SHOWN,
	pxc_strict_mode: SHOWN,
	group_replication_group_name: SHOWN,
};
